using OnnxEff.GraphPasses;
using OnnxEff.GraphPasses.Lower;
using OnnxEff.GraphPasses.Raise;
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
        Assert.Equal("silu", sketch.Graph.Nodes.Single().Text("activation"));
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

    [Fact]
    public void Another_slope_is_no_silu()
    {
        var sketch = Start().Node("y", "com.microsoft.QuickGelu", "x", ("alpha", 1.702f)).Output("y");
        Assert.Equal(0, sketch.Run(new MlpActivation()).Applied("raise-activation"));
    }
}
