using OnnxEff.GraphPasses;
using OnnxEff.GraphPasses.Lower;
using OnnxEff.GraphPasses.Raise;
using OnnxEff.Ir;
using OnnxEff.Rewriting;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.GraphPasses.Raise;

public class MlpTests
{
    static Sketch Start() => new Sketch(opset: 20).Input("x", 2, 8).Input("up", 2, 8).Const("half", 0.5f).Const("one", 1f).Const("three", 3f).Const("root2", 1.4142135f)
        .Const("c", 0.79788458f).Const("k", 0.044715f);

    [Fact]
    public void A_product_with_the_own_sigmoid_and_another_value_is_a_gate()
    {
        var sketch = Start().Node("s", "Sigmoid", "x").Node("g", "Mul", "x s").Node("y", "Mul", "g up").Output("y");
        sketch.Run(new MlpActivation());
        Assert.Equal("y = llm.GatedActivation(x, up)", sketch.Text);
        Assert.Equal("silu", sketch.Graph.Nodes.Single().Text("function"));
    }

    [Theory]
    [InlineData("s Sigmoid x; g Mul x s; y Mul g up", 1f)]
    [InlineData("m Mul x slope; s Sigmoid m; g Mul x s; y Mul up g", 1.702f)]
    public void A_gate_is_one_operator_of_the_library_and_is_raised_from_it_again(string calls, float alpha)
    {
        var sketch = Start().Const("slope", 1.702f);
        foreach (var words in calls.Split("; ").Select(c => c.Split(' ', 3)))
            sketch.Node(words[0], words[1], words[2]);
        sketch.Output("y");
        var (model, _) = AllTargets.AssertSame(sketch, Target.OnnxEff);
        var node = Assert.Single(model.Graph.Nodes);
        Assert.Equal(("onnxeff", "SwiGlu", "x", "up", alpha), (node.Domain, node.OpType, node.Input(0)!.Name, node.Input(1)!.Name, node.Float("alpha")));
        Assert.Equal(1, new MlpActivation().Run(new PassContext(model)).Applied);
        node = Assert.Single(model.Graph.Nodes);
        Assert.Equal(("llm", "GatedActivation", "silu", alpha), (node.Domain, node.OpType, node.Text("function"), node.Float("alpha")));
    }

    [Fact]
    public void A_gate_of_one_product_is_one_operator_and_is_raised_from_it_again()
    {
        var sketch = new Sketch(opset: 20).Input("x", 1, 2, 8).Weight("w", 8, 32).Const("sizes", 16, 16).Node("both", "MatMul", "x w").Node("g up", "Split", "both sizes", ("axis", 2L))
            .Node("s", "Sigmoid", "g").Node("a", "Mul", "g s").Node("y", "Mul", "a up").Output("y");
        var (model, _) = AllTargets.AssertSame(sketch, Target.OnnxEff);
        Assert.Equal(["MatMul", "SwiGlu"], model.Graph.Nodes.Select(n => n.OpType));
        Assert.Null(model.Graph.Nodes.Last().Input(1));
        Assert.Equal(1, new MlpActivation().Run(new PassContext(model)).Applied);
        Assert.Equal(["MatMul", "Slice", "Slice", "GatedActivation"], model.Graph.Nodes.Select(n => n.OpType));
    }

    [Fact]
    public void An_activation_with_another_reader_stays_apart()
    {
        var sketch = Start().Node("s", "Sigmoid", "x").Node("g", "Mul", "x s").Node("y", "Mul", "g up").Output("y", "g");
        Assert.Equal("the inner value 'g' has another user", sketch.RunSame(1e-5, new MlpActivation(), new LowerActivations(Target.Ort, 20)).Sentence());
    }

    [Theory]
    [InlineData("d Div x root2; e Erf d; a Add e one; p Mul x a; y Mul p half", "none")]
    [InlineData("d Div x root2; e Erf d; a Add e one; p Mul half x; y Mul p a", "none")]
    [InlineData("p Pow x three; q Mul p k; r Add x q; s Mul r c; t Tanh s; a Add t one; h Mul x half; y Mul h a", "tanh")]
    [InlineData("p2 Mul x x; p Mul p2 x; q Mul k p; r Add x q; s Mul c r; t Tanh s; a Add one t; h Mul x a; y Mul half h", "tanh")]
    [InlineData("p Pow x three; q Mul k p; r Add x q; s Mul c r; t Tanh s; a Add one t; h Mul half a; y Mul h x", "tanh")]
    [InlineData("y Gelu x", "none")]
    public void Every_spelling_of_gelu_is_one(string calls, string approximate)
    {
        var sketch = Start();
        foreach (var words in calls.Split("; ").Select(c => c.Split(' ', 3)))
            sketch.Node(words[0], words[1], words[2]);
        sketch.Output("y");
        sketch.RunSame(1e-5, new MlpActivation(), new LowerActivations(Target.Onnx, 20));
        var gelu = Assert.Single(sketch.Graph.Nodes);
        Assert.Equal(("Gelu", approximate), (gelu.OpType, gelu.Text("approximate")));
    }

    [Theory]
    [InlineData("s Sigmoid x; y Mul s x", "silu", 1f)]
    [InlineData("n Neg x; e Exp n; a Add e one; y Div x a", "silu", 1f)]
    [InlineData("n Neg x; e Exp n; a Add one e; r Reciprocal a; y Mul x r", "silu", 1f)]
    [InlineData("h Mul x half; t Tanh h; a Add t one; b Mul a half; y Mul b x", "silu", 1f)]
    [InlineData("m Mul x slope; s Sigmoid m; y Mul x s", "silu", 1.702f)]
    [InlineData("y Relu x", "relu", 1f)]
    [InlineData("y Max x zero", "relu", 1f)]
    [InlineData("r Relu x; y Mul r r", "relu_squared", 1f)]
    [InlineData("r Relu x; y Mul x r", "relu_squared", 1f)]
    [InlineData("r Relu x; y Pow r two", "relu_squared", 1f)]
    [InlineData("p Pow x three; q Mul p k; r Add x q; m Mul r c2; s Sigmoid m; y Mul x s", "gelu_tanh", 1f)]
    [InlineData("p Mul x x; q Mul k p; r Add q one; m Mul x r; n Mul m c; t Tanh n; a Add t one; h Mul a x; y Mul h half", "gelu_tanh", 1f)]
    public void Every_spelling_of_an_activation_is_one(string calls, string function, float alpha)
    {
        var sketch = Start().Const("slope", 1.702f).Const("zero", 0f).Const("two", 2f).Const("c2", 1.5957691f);
        foreach (var words in calls.Split("; ").Select(c => c.Split(' ', 3)))
            sketch.Node(words[0], words[1], words[2]);
        sketch.Output("y");
        foreach (var target in Enum.GetValues<Target>())
            sketch.RunSame(1e-5, new MlpActivation(), new LowerActivations(target, 18));
        sketch.Run(new MlpActivation());
        var node = Assert.Single(sketch.Graph.Nodes);
        Assert.Equal(("Activation", function, alpha), (node.OpType, node.Text("function"), node.Float("alpha")));
    }

    [Fact]
    public void A_half_of_gelu_behind_the_gate_is_taken_in()
    {
        var sketch = Start().Node("d", "Div", "x root2").Node("e", "Erf", "d").Node("a", "Add", "e one").Node("p", "Mul", "x a").Node("g", "Mul", "p up").Node("y", "Mul", "g half").Output("y");
        sketch.RunSame(1e-5, new MlpActivation(), new LowerActivations(Target.Ort, 20));
        Assert.Equal("Gelu Mul", sketch.Ops);
    }

    [Fact]
    public void Half_precision_constants_are_told_apart()
    {
        var sketch = new Sketch(opset: 20).Input("x", ElementType.Float16, 2, 8).Const("half", Tensor.Scalar((Half)0.5)).Const("one", Tensor.Scalar((Half)1)).Const("c", Tensor.Scalar((Half)0.79788458))
            .Const("k", Tensor.Scalar((Half)0.044715)).Const("three", Tensor.Scalar((Half)3))
            .Node("p", "Pow", "x three").Node("q", "Mul", "p k").Node("r", "Add", "x q").Node("s", "Mul", "r c").Node("t", "Tanh", "s").Node("a", "Add", "t one").Node("h", "Mul", "x half").Node("y", "Mul", "h a").Output("y");
        sketch.Run(new MlpActivation());
        Assert.Equal("gelu_tanh", Assert.Single(sketch.Graph.Nodes).Text("function"));
    }

    [Theory]
    [InlineData("y Tanh x")]
    [InlineData("y HardSwish x")]
    [InlineData("y Softplus x")]
    [InlineData("s Sigmoid x; y Mul s s")]
    public void Another_function_is_left(string calls)
    {
        var sketch = Start();
        foreach (var words in calls.Split("; ").Select(c => c.Split(' ', 3)))
            sketch.Node(words[0], words[1], words[2]);
        Assert.Equal(0, sketch.Output("y").Run(new MlpActivation()).Applied("raise-activation"));
    }
}
