using OnnxEff.GraphPasses.Normalise;
using OnnxEff.Ir;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.GraphPasses.Normalise;

public class LiftConstantsTests
{
    [Fact]
    public void Every_kind_of_value_becomes_an_initializer_of_its_name()
    {
        var sketch = new Sketch().Node("a", "Constant", "", ("value", Tensor.Scalar(1f))).Node("b", "Constant", "", ("value_int", 2))
            .Node("c", "Constant", "", ("value_ints", (long[])[3, 4])).Node("d", "Constant", "", ("value_float", 5f))
            .Node("y", "Foo", "a b c d").Output("y");
        Assert.Equal(4, sketch.Run(new LiftConstants()).Applied("lift-constants"));
        Assert.Equal("y = Foo(a, b, c, d)", sketch.Text);
        Assert.Equal(["a", "b", "c", "d"], sketch.Graph.Initializers.Select(i => i.Name).Order());
        Assert.Equal([3L, 4L], sketch.Graph.Initializers.Single(i => i.Name == "c").Constant!.ToInt64()!);
    }

    [Fact]
    public void A_constant_that_is_an_output_stays_one()
    {
        var sketch = new Sketch().Node("y", "Constant", "", ("value_int", 2)).Output("y");
        sketch.RunSame(0, new LiftConstants());
        Assert.Equal("y", sketch.Graph.Outputs[0].Name);
        Assert.Equal("Identity", sketch.Ops);
    }

    [Fact]
    public void Refuses_what_is_no_dense_tensor()
    {
        var sketch = new Sketch().Node("y", "Constant", "", ("sparse_value", new OpaqueAttribute([]))).Output("y");
        Assert.Equal("the constant is no dense tensor", sketch.Run(new LiftConstants()).Sentence());
    }
}
