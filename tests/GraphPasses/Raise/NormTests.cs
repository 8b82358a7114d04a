using OnnxEff.GraphPasses;
using OnnxEff.GraphPasses.Lower;
using OnnxEff.GraphPasses.Normalise;
using OnnxEff.GraphPasses.Raise;
using OnnxEff.Ir;
using OnnxEff.Rewriting;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.GraphPasses.Raise;

public class NormTests
{
    const long Opset = 18;

    [Theory]
    [InlineData("Pow x two", "Div x root", "Mul g n")]
    [InlineData("Mul x x", "Div x root", "Mul n g")]
    [InlineData("Pow x two", "Reciprocal root; Mul x i", "Mul n g")]
    [InlineData("Pow x two", "Reciprocal root; Mul i x", "Mul g n")]
    [InlineData("Mul x x", "Div one root; Mul x i", "Mul g n")]
    [InlineData("Mul x x", "Pow shifted minus_half; Mul x i", "Mul g n")]
    public void Every_spelling_is_a_norm(string square, string division, string weight)
    {
        var sketch = Norm(square, division, weight);
        var report = sketch.RunSame(1e-5, new NormRms(), new LowerNorms(Target.Ort, Opset));
        Assert.Equal(1, report.Applied("raise-rms-norm"));
        Assert.Equal("SimplifiedLayerNormalization", sketch.Ops);
        Assert.Equal(1e-5f, sketch.Graph.Nodes.Single().Float("epsilon"));
    }

    [Fact]
    public void Refuses_a_short_gamma()
    {
        var sketch = Norm("Mul x x", "Div x root", "Mul g n", gamma: 1);
        Assert.Equal("γ must span the normalised axis", sketch.Run(new NormRms()).Sentence());
    }

    [Fact]
    public void A_mean_over_another_axis_is_no_norm()
    {
        var sketch = Norm("Mul x x", "Div x root", "Mul g n", axis: 1);
        var trace = new RewriteTrace();
        new Pipeline(new PipelineStep(new NormRms(), "")).Run(sketch.Model, null, trace);
        Assert.Equal("it must reduce the last axes", trace.NearMisses.First().Sentence);
        Assert.DoesNotContain("RmsNorm", sketch.Ops, StringComparison.Ordinal);
    }

    [Fact]
    public void Half_precision_between_casts_stays_computed_in_single()
    {
        var sketch = new Sketch().Input("x16", ElementType.Float16, 2, 8).Const("g", Tensor.Create<Half>([8], [.. Enumerable.Range(1, 8).Select(i => (Half)(i / 4f))]))
            .Const("two", 2f).Const("eps", 1e-5f).Const("axes", -1).Node("x", "Cast", "x16", ("to", 1)).Node("sq", "Pow", "x two").Node("m", "ReduceMean", "sq axes")
            .Node("s", "Add", "m eps").Node("root", "Sqrt", "s").Node("n", "Div", "x root").Node("n16", "Cast", "n", ("to", 10)).Node("y", "Mul", "g n16").Output("y");
        sketch.RunSame(2e-3, new NormRms(), new NormRms(), new ComposeViews(), new LowerNorms(Target.Ort, Opset));
        Assert.Equal(ElementType.Float16, sketch.Graph.Outputs[0].Type!.Element);
        Assert.Contains("SimplifiedLayerNormalization", sketch.Ops, StringComparison.Ordinal);
    }

    [Fact]
    public void A_skip_norm_is_a_sum_and_a_norm()
    {
        var sketch = new Sketch().Input("a", 2, 3, 8).Input("b", 2, 3, 8).Weight("g", 8)
            .Node("y _ _ s", "com.microsoft.SkipSimplifiedLayerNormalization", "a b g", ("epsilon", 1e-6f)).Output("y", "s");
        sketch.RunSame(1e-5, new NormRms(), new LowerNorms(Target.Onnx, Opset));
        Assert.DoesNotContain("Skip", sketch.Ops, StringComparison.Ordinal);
        Assert.Equal(["y", "s"], sketch.Graph.Outputs.Select(o => o.Name));
    }

    [Fact]
    public void A_spelled_out_layer_norm_is_one_with_its_bias()
    {
        var sketch = new Sketch().Input("x", 2, 3, 8).Weight("g", 8).Weight("bias", 8).Const("two", 2f).Const("eps", 1e-5f).Const("axes", -1)
            .Node("mean", "ReduceMean", "x axes").Node("d", "Sub", "x mean").Node("sq", "Pow", "d two").Node("m", "ReduceMean", "sq axes").Node("s", "Add", "m eps")
            .Node("root", "Sqrt", "s").Node("n", "Div", "d root").Node("w", "Mul", "n g").Node("y", "Add", "w bias").Output("y");
        sketch.RunSame(1e-5, new NormRms(), new NormLayer());
        Assert.Equal("y = LayerNormalization(x, g, bias)", sketch.Text);
    }

    static Sketch Norm(string square, string division, string weight, int gamma = 8, long axis = -1)
    {
        var sketch = new Sketch().Input("x", 2, 3, 8).Weight("g", gamma).Const("two", 2f).Const("one", 1f).Const("minus_half", -0.5f).Const("eps", 1e-5f).Const("axes", axis);
        Add("sq", square);
        sketch.Node("mean", "ReduceMean", "sq axes").Node("shifted", "Add", "mean eps").Node("root", "Sqrt", "shifted");
        var steps = division.Split("; ");
        if (steps.Length > 1)
            Add("i", steps[0]);
        Add("n", steps[^1]);
        Add("y", weight);
        sketch.Output("y");
        sketch.Graph.RemoveDead();
        return sketch;

        void Add(string output, string call)
        {
            var words = call.Split(' ', 2);
            sketch.Node(output, words[0], words[1]);
        }
    }
}
