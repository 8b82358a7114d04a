using OnnxEff.GraphPasses.Normalise;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.GraphPasses.Normalise;

public class SinkTransposesTests
{
    static readonly long[] Swap = [0, 2, 1];

    [Fact]
    public void A_function_comes_first_and_what_cancels_goes()
    {
        var sketch = new Sketch().Input("x", "B", 3, 4).Node("t", "Transpose", "x", ("perm", Swap)).Node("f", "Tanh", "t")
            .Node("y", "Transpose", "f", ("perm", Swap)).Output("y");
        sketch.RunSame(0, new SinkTransposes());
        Assert.Equal("y = Tanh(x)", sketch.Text);
    }

    [Fact]
    public void Its_factor_goes_with_it()
    {
        var sketch = new Sketch().Input("x", "B", 3, 4).Const("c", 2f).Node("t", "Transpose", "x", ("perm", Swap)).Node("s", "Mul", "t c").Node("f", "Tanh", "s")
            .Node("y", "Transpose", "f", ("perm", Swap)).Output("y");
        sketch.RunSame(0, new SinkTransposes());
        Assert.Equal("Mul Tanh", sketch.Ops);
    }

    [Fact]
    public void A_broadcast_operand_is_given_the_axes_of_the_other()
    {
        var sketch = new Sketch().Input("x", "B", 3, 4).Input("z", 4, "B", 1).Node("t", "Transpose", "x", ("perm", Swap))
            .Node("u", "Transpose", "z", ("perm", (long[])[1, 0, 2])).Node("f", "Mul", "t u").Node("y", "Transpose", "f", ("perm", Swap)).Output("y");
        sketch.RunSame(0, new SinkTransposes());
        Assert.Equal("Transpose Mul", sketch.Ops);
    }

    [Fact]
    public void A_constant_operand_is_given_the_axes_of_the_other()
    {
        var sketch = new Sketch().Input("x", "B", 3, 4).Weight("c", 4, 1).Node("t", "Transpose", "x", ("perm", Swap)).Node("f", "Add", "t c")
            .Node("y", "Transpose", "f", ("perm", Swap)).Output("y");
        sketch.RunSame(0, new SinkTransposes(), new FoldConstants());
        Assert.Equal("Add", sketch.Ops);
    }

    [Fact]
    public void A_product_of_transposed_operands_is_the_product_in_the_other_order()
    {
        var sketch = new Sketch().Input("a", "B", 3, 4).Input("b", "B", 4, 5).Node("t", "Transpose", "a", ("perm", Swap)).Node("u", "Transpose", "b", ("perm", Swap))
            .Node("p", "MatMul", "u t").Node("y", "Transpose", "p", ("perm", Swap)).Output("y");
        sketch.RunSame(0, new SinkTransposes());
        Assert.Equal("y = MatMul(a, b)", sketch.Text);
    }

    [Fact]
    public void A_transpose_of_a_product_stays_at_it()
    {
        var sketch = new Sketch().Input("a", "B", 3, 4).Input("b", "B", 4, 5).Node("p", "MatMul", "a b").Node("f", "Cos", "p")
            .Node("y", "Transpose", "f", ("perm", Swap)).Output("y");
        sketch.RunSame(0, new SinkTransposes());
        Assert.Equal("MatMul Transpose Cos", sketch.Ops);
    }

    [Fact]
    public void One_that_something_else_reads_stays()
    {
        var sketch = new Sketch().Input("x", "B", 3, 4).Const("flat", -1L).Node("t", "Transpose", "x", ("perm", Swap)).Node("y", "Tanh", "t")
            .Node("z", "Reshape", "t flat").Output("y", "z");
        sketch.RunSame(0, new SinkTransposes());
        Assert.Equal("Transpose Tanh Reshape", sketch.Ops);
    }
}
