using OnnxEff.GraphPasses.Normalise;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.GraphPasses.Normalise;

public class PlainFunctionsTests
{
    const double Rounding = 1e-6;

    static Sketch Sketch => new Sketch().Input("x", "B", 4).Input("z", "B", 4).Const("one", 1f).Const("two", 2f).Const("minus", -1f).Const("last", -1L);

    [Fact]
    public void A_square_is_a_product()
    {
        var sketch = Sketch.Node("y", "Pow", "x two").Output("y");
        sketch.RunSame(Rounding, new PlainFunctions());
        Assert.Equal("y = Mul(x, x)", sketch.Text);
    }

    [Fact]
    public void A_sum_with_the_negative_is_a_difference()
    {
        var sketch = Sketch.Node("n", "Mul", "z minus").Node("y", "Add", "x n").Output("y");
        sketch.RunSame(Rounding, new PlainFunctions());
        Assert.Equal("y = Sub(x, z)", sketch.Text);
    }

    [Fact]
    public void A_spelled_out_sigmoid_is_one()
    {
        var sketch = Sketch.Node("n", "Neg", "x").Node("e", "Exp", "n").Node("s", "Add", "e one").Node("y", "Div", "one s").Output("y");
        sketch.RunSame(Rounding, new PlainFunctions());
        Assert.Equal("y = Sigmoid(x)", sketch.Text);
    }

    [Fact]
    public void A_spelled_out_softmax_is_one()
    {
        var sketch = Sketch.Node("m", "ReduceMax", "x last").Node("c", "Sub", "x m").Node("e", "Exp", "c").Node("s", "ReduceSum", "e last").Node("y", "Div", "e s").Output("y");
        sketch.RunSame(Rounding, new PlainFunctions());
        Assert.Equal("y = Softmax(x)", sketch.Text);
    }
}
