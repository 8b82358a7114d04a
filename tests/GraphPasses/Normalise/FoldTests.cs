using OnnxEff.GraphPasses.Normalise;
using OnnxEff.Ir;
using OnnxEff.Rewriting;
using OnnxEff.Tests.Runtime;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.GraphPasses.Normalise;

public class FoldTests
{
    [Fact]
    public void A_size_that_the_shape_tells_is_a_constant()
    {
        var sketch = new Sketch().Input("x", "B", 64).Const("one", Tensor.Scalar(1L)).Const("last", 0L).Node("s", "Shape", "x").Node("d", "Gather", "s one")
            .Node("u", "Unsqueeze", "d last").Node("f", "Cast", "u", ("to", 1)).Node("y", "Mul", "x f").Output("y");
        sketch.RunSame(0, new FoldShapes());
        Assert.Equal("Mul", sketch.Ops);
        Assert.Equal(64, sketch.Graph.Outputs[0].Producer!.Inputs[1]!.Constant!.ToScalar());
    }

    [Fact]
    public void A_size_that_depends_on_an_input_is_none()
    {
        var sketch = new Sketch().Input("x", "B", 64).Node("s", "Shape", "x").Node("y", "Expand", "x s").Output("y");
        Assert.Equal(0, sketch.Run(new FoldShapes()).Applied("fold-shapes"));
    }

    [Fact]
    public void Constants_are_computed_by_the_runtime_in_one_run()
    {
        Native.Require();
        var sketch = new Sketch().Input("x", 2).Const("a", 2f).Const("b", 3f).Node("r", "Sqrt", "a").Node("q", "Div", "b r").Node("p", "Mul", "x q")
            .Node("e", "Exp", "b").Node("y", "Add", "p e").Output("y");
        Assert.Equal(3, sketch.RunSame(0, new FoldConstants()).Applied("fold-constants"));
        Assert.Equal("Mul Add", sketch.Ops);
    }

    [Fact]
    public void A_transposed_weight_is_not_stored_twice()
    {
        var sketch = new Sketch().Input("x", 1, 200).Weight("w", 100, 200).Node("t", "Transpose", "w").Node("y", "MatMul", "x t").Output("y");
        Assert.Equal(0, sketch.Run(new FoldConstants()).Applied("fold-constants"));
        Assert.Equal("Transpose MatMul", sketch.Ops);
    }

    [Fact]
    public void Refuses_without_a_runtime()
    {
        var sketch = new Sketch().Input("x", 2).Const("a", 2f).Node("r", "Sqrt", "a").Node("y", "Mul", "x r").Output("y");
        var report = new Pipeline(new PipelineStep(new FoldConstants(), "")).Run(sketch.Model);
        Assert.Equal("1 nodes depend on constants alone, but no runtime is at hand to compute them", report.Sentence());
    }

    [Fact]
    public void Refuses_with_the_runtimes_reason()
    {
        Native.Require();
        var sketch = new Sketch().Input("x", 2).Const("i", 9L).Const("a", 1, 2).Node("g", "Gather", "a i").Node("y", "Cast", "g", ("to", 1)).Output("y");
        Assert.StartsWith("the runtime cannot compute the constants: ", sketch.Run(new FoldConstants()).Sentence());
        Assert.Equal("Gather Cast", sketch.Ops);
    }
}
