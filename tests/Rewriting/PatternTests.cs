using OnnxEff.Ir;
using OnnxEff.Rewriting;
using Xunit;
using static OnnxEff.Rewriting.Pattern;

namespace OnnxEff.Tests.Rewriting;

public class PatternTests
{
    static readonly Var X = new("x"), Gamma = new("γ"), Mean = new("mean");
    static readonly Scalar Eps = new("ε");
    static readonly Pattern Norm = Gamma * (X / Op("Sqrt", (Op("ReduceMean", X * X).As(Mean)) + Eps));
    static readonly RewriteRule Rule = Rewrite.Named("fuse-norm").Match(Norm)
        .Requires(Guards.SpansLastAxis(Gamma, X))
        .To(m => m.Op("llm", "RmsNorm", [m[X], m[Gamma]]).With("epsilon", (float)m[Eps]));

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void Matches_either_operand_order(bool gammaLast, bool epsilonFirst)
    {
        var graph = NormGraph(gammaLast, epsilonFirst);
        Assert.True(Norm.TryMatch(graph.Outputs[0], out var match));
        Assert.Equal(1e-5, match[Eps], 1e-9);
        Assert.Equal("x", match[X].Name);
        Assert.Equal(6, match.Nodes.Count());
    }

    [Fact]
    public void Replaces_the_computation_and_keeps_the_output_name()
    {
        var graph = NormGraph();
        Assert.Equal(1, new RuleSet(Rule).Apply(graph).Applied);
        var node = Assert.Single(graph.Nodes);
        Assert.Equal("y = llm.RmsNorm(x, g)", node.ToString());
        Assert.Equal("mul_2", node.Name);
        Assert.Equal("y", graph.Outputs[0].Name);
    }

    [Fact]
    public void Refuses_a_short_gamma()
    {
        var graph = NormGraph(gammaSize: 32);
        var refusal = Assert.Single(new RuleSet(Rule).Apply(graph).Refusals);
        Assert.Equal("fuse-norm at 'mul_2': γ must span the normalised axis", refusal.ToString());
        Assert.Equal(6, graph.Nodes.Count);
    }

    [Fact]
    public void Refuses_if_an_inner_value_has_another_user()
    {
        var graph = NormGraph();
        graph.Outputs.Add(graph.Nodes.Single(n => n.Is("ReduceMean")).Result);
        var refusal = Assert.Single(new RuleSet(Rule).Apply(graph).Refusals);
        Assert.Equal("the inner value 'mean' has another user", refusal.Sentence);
    }

    [Fact]
    public void Keeps_an_inner_value_that_the_rule_lets_survive()
    {
        var graph = NormGraph();
        graph.Outputs.Add(graph.Nodes.Single(n => n.Is("ReduceMean")).Result);
        var rule = Rewrite.Named("keep").Match(Norm).Keeps(Mean).To(m => m.Op("Relu", m[X]));
        Assert.Equal(1, new RuleSet(rule).Apply(graph).Applied);
        Assert.Equal(["Mul", "ReduceMean", "Relu"], graph.Nodes.Select(n => n.OpType).Order());
    }

    [Fact]
    public void Explains_the_deepest_point_reached()
    {
        var graph = NormGraph(root: "Exp");
        Assert.False(Norm.TryMatch(graph.Outputs[0], out _, out var failure));
        Assert.Equal("sqrt", failure!.NodeName);
        Assert.Equal("Sqrt is expected here, not Exp", failure.Sentence);
        var trace = new RewriteTrace();
        new RuleSet(Rule).Apply(graph, trace);
        var entry = Assert.Single(trace.NearMisses, e => e.RootName == "mul_2");
        Assert.Equal((2, "sqrt"), (entry.Depth, entry.NodeName));
    }

    [Fact]
    public void The_same_capture_is_the_same_value()
    {
        var graph = new Graph();
        var (a, b) = (graph.AddInput("a"), graph.AddInput("b"));
        var square = graph.AddNode("Mul", "", [a, a]).AddOutput("aa");
        var product = graph.AddNode("Mul", "", [a, b]).AddOutput("ab");
        Assert.True((X * X).TryMatch(square, out _));
        Assert.False((X * X).TryMatch(product, out _));
    }

    [Fact]
    public void Backtracks_into_an_alternative_that_fitted_at_first()
    {
        var graph = new Graph();
        var (a, b) = (graph.AddInput("a"), graph.AddInput("b"));
        var product = graph.AddNode("Mul", "", [a, b]).AddOutput("ab");
        var sum = graph.AddNode("Add", "", [product, b]).AddOutput("y");
        var other = new Var("o");
        Assert.True((((X * other) | (other * X)) + other).TryMatch(sum, out var match));
        Assert.Equal("b", match[other].Name);
    }

    [Fact]
    public void Looks_through_optional_wrappers()
    {
        var graph = new Graph();
        var a = graph.AddInput("a");
        var cast = graph.AddNode("Cast", "", [a]).AddOutput("f");
        var y = graph.AddNode("Sqrt", "", [cast]).AddOutput("y");
        Assert.True(Op("Sqrt", X.Maybe("Cast")).TryMatch(y, out var match));
        Assert.Equal("a", match[X].Name);
    }

    [Fact]
    public void Constants_match_after_rounding_to_their_type()
    {
        var graph = new Graph();
        var a = graph.AddInput("a");
        var half = graph.AddInitializer("c", Tensor.Scalar((Half)0.1));
        var y = graph.AddNode("Mul", "", [half, a]).AddOutput("y");
        Assert.True((X * 0.1).TryMatch(y, out _));
        Assert.False((X * 0.1001).TryMatch(y, out _));
    }

    [Fact]
    public void Outputs_of_one_pattern_belong_to_one_node()
    {
        var graph = new Graph();
        var a = graph.AddInput("a");
        var (first, second) = (graph.AddNode("Split", "", [a]), graph.AddNode("Split", "", [a]));
        var (p, q) = (first.AddOutput("p"), first.AddOutput("q"));
        second.AddOutput("r");
        var s = second.AddOutput("s");
        var split = Op("Split", X);
        var pattern = split.Output(0) + split.Output(1);
        Assert.True(pattern.TryMatch(graph.AddNode("Add", "", [p, q]).AddOutput("y"), out _));
        Assert.True(pattern.TryMatch(graph.AddNode("Add", "", [q, p]).AddOutput("y2"), out _));
        Assert.False(pattern.TryMatch(graph.AddNode("Add", "", [p, s]).AddOutput("z"), out _));
    }

    [Fact]
    public void A_rule_with_two_roots_replaces_both()
    {
        var graph = new Graph();
        var (a, b) = (graph.AddInput("a"), graph.AddInput("b"));
        var sum = graph.AddNode("Add", "", [a, b]).AddOutput("sum");
        graph.Outputs.Add(graph.AddNode("Relu", "", [sum]).AddOutput("y"));
        graph.Outputs.Add(sum);
        Var left = new("left"), right = new("right"), total = new("sum");
        var rule = Rewrite.Named("skip-relu").Match(Op("Relu", (left + right).As(total)), total).To(m =>
        {
            var node = m.Op("llm", "SkipRelu", [m[left], m[right]]);
            return [node, node.At(1)];
        });
        Assert.Equal(1, new RuleSet(rule).Apply(graph).Applied);
        Assert.Equal("y, sum = llm.SkipRelu(a, b)", Assert.Single(graph.Nodes).ToString());
    }

    [Fact]
    public void An_output_replaced_by_an_input_stays_an_output_of_its_name()
    {
        var graph = new Graph();
        var a = graph.AddInput("a");
        graph.Outputs.Add(graph.AddNode("Mul", "", [a, graph.AddConstant(Tensor.Scalar(1f))]).AddOutput("y"));
        new RuleSet(Rewrite.Named("one").Match(X * 1.0).To(m => m[X])).Apply(graph);
        Assert.Equal("y = Identity(a)", Assert.Single(graph.Nodes).ToString());
        Assert.Equal("y", graph.Outputs[0].Name);
    }

    static Graph NormGraph(bool gammaLast = false, bool epsilonFirst = false, int gammaSize = 64, string root = "Sqrt")
    {
        var graph = new Graph();
        var x = graph.AddInput("x", new TensorType(ElementType.Float32, TensorShape.Of(2, 64)));
        var gamma = graph.AddInput("g", new TensorType(ElementType.Float32, TensorShape.Of(gammaSize)));
        var epsilon = graph.AddConstant(Tensor.Scalar(1e-5f));
        var square = Make("Mul", "mul_1", "square", x, x);
        var mean = Make("ReduceMean", "mean_1", "mean", square);
        var shifted = epsilonFirst ? Make("Add", "add", "shifted", epsilon, mean) : Make("Add", "add", "shifted", mean, epsilon);
        var ratio = Make("Div", "div", "ratio", x, Make(root, "sqrt", "rms", shifted));
        graph.Outputs.Add(gammaLast ? Make("Mul", "mul_2", "y", ratio, gamma) : Make("Mul", "mul_2", "y", gamma, ratio));
        return graph;

        Value Make(string op, string node, string output, params Value[] inputs)
        {
            var made = graph.AddNode(op, "", inputs);
            made.Name = node;
            return made.AddOutput(output);
        }
    }
}
