using OnnxEff.GraphPasses.Layers;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.GraphPasses.Layers;

public class PartTests
{
    [Fact]
    public void A_norm_that_no_rule_takes_is_left_where_the_nearest_rule_ended()
    {
        var sketch = Hidden().Const("two", 2f).Const("eps", 1e-5f).Weight("g", 8).Const("axes", [-1L])
            .Node("sq", "Pow", "x two").Node("mean", "ReduceMean", "sq axes").Node("shifted", "Sub", "mean eps").Node("root", "Sqrt", "shifted")
            .Node("n", "Div", "x root").Node("y", "Mul", "n g").Output("y");
        var part = Assert.Single(NormParts.Find(sketch.Graph));
        Assert.Equal((null, "node_shifted", "Add is expected here, not Sub"), (part.Became, part.EndName, part.Sentence));
    }

    [Fact]
    public void The_root_of_a_number_is_no_norm() =>
        Assert.Empty(NormParts.Find(Hidden().Const("d", 8f).Node("root", "Sqrt", "d").Node("y", "Mul", "x root").Output("y").Graph));

    [Fact]
    public void An_activation_that_is_one_operator_stays()
    {
        var part = Assert.Single(Mlp(s => s.Node("a", "Relu", "up")));
        Assert.Equal(("Relu", "one operator: nothing to fuse"), (part.Became, part.Sentence));
    }

    [Fact]
    public void An_activation_that_is_not_known_is_left()
    {
        var part = Assert.Single(Mlp(s => s.Node("gate", "Sigmoid", "up").Node("a", "Mul", "gate gate")));
        Assert.Equal((null, "what Sigmoid is part of has the values of no known activation"), (part.Became, part.Sentence));
    }

    [Fact]
    public void A_soft_cap_behind_the_head_is_no_activation_of_a_layer() =>
        Assert.Equal("none in this layer", Assert.Single(Mlp(s => s.Node("a", "Identity", "up"), behind: s => s.Node("capped", "Tanh", "y"))).Became);

    [Fact]
    public void A_choice_of_experts_says_how_many()
    {
        var part = Assert.Single(Mlp(s => s.Const("k", [2L]).Weight("router", 8, 4).Node("logits", "MatMul", "h router")
            .Node("values indices", "TopK", "logits k").Node("a", "Identity", "up"), behind: s => s.Output("values")));
        Assert.Equal("mixture of experts, left intact", part.Became);
    }

    [Fact]
    public void Names_that_passes_made_lead_to_those_of_the_file()
    {
        var names = new FileNames(Hidden().Node("a/b", "Relu", "x").Output("a/b").Model);
        Assert.Equal("node_a/b", names.Of("node_a/b/Cast/const::12"));
        Assert.Equal("a/b", names.Of("a/b::7"));
        Assert.Equal("other/Cast", names.Of("other/Cast"));
    }

    static Sketch Hidden() => new Sketch().Input("x", 1, "S", 8);

    /// <summary>A layer: an attention, then a projection, an activation a = f(up), a projection.</summary>
    static List<Part> Mlp(Func<Sketch, Sketch> activation, Func<Sketch, Sketch>? behind = null)
    {
        var sketch = Hidden().Weight("w", 8, 8).Weight("wide", 8, 8).Node("h", "llm.Attention", "x").Node("up", "MatMul", "h w");
        sketch = activation(sketch).Node("y", "MatMul", "a wide").Output("y");
        sketch = behind?.Invoke(sketch) ?? sketch;
        sketch.Graph.Sort();
        var centres = AttentionParts.Centres(sketch.Graph);
        return [.. MlpParts.Find(sketch.Graph, centres, new LayerMap(sketch.Graph, centres))];
    }
}
