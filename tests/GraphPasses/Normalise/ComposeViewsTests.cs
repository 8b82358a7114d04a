using OnnxEff.GraphPasses.Normalise;
using OnnxEff.Ir;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.GraphPasses.Normalise;

public class ComposeViewsTests
{
    [Fact]
    public void Two_transposes_are_one()
    {
        var sketch = new Sketch().Input("x", 2, 3, 4).Node("t", "Transpose", "x", ("perm", (long[])[1, 2, 0]))
            .Node("y", "Transpose", "t", ("perm", (long[])[0, 2, 1])).Output("y");
        sketch.RunSame(0, new ComposeViews());
        Assert.Equal("y = Transpose(x)", sketch.Text);
        Assert.Equal([1L, 0L, 2L], sketch.Graph.Nodes.Single().Ints("perm")!);
    }

    [Fact]
    public void A_cast_through_a_wider_type_is_direct()
    {
        var sketch = new Sketch().Input("x", ElementType.Float16, 4).Node("t", "Cast", "x", ("to", 1)).Node("y", "Cast", "t", ("to", 10)).Output("y");
        sketch.RunSame(0, new ComposeViews());
        Assert.Equal("y = Identity(x)", sketch.Text);
    }

    [Fact]
    public void A_cast_through_a_narrower_type_stays()
    {
        var sketch = new Sketch().Input("x", 4).Node("t", "Cast", "x", ("to", 10)).Node("y", "Cast", "t", ("to", 1)).Output("y");
        sketch.RunSame(0, new ComposeViews());
        Assert.Equal("Cast Cast", sketch.Ops);
    }

    [Fact]
    public void A_reshape_of_a_view_reads_what_the_view_reads()
    {
        var sketch = new Sketch().Input("x", 2, 6).Const("a", 3, 4).Const("b", 4, -1).Node("t", "Reshape", "x a").Node("y", "Reshape", "t b").Output("y");
        sketch.RunSame(0, new ComposeViews());
        Assert.Equal("y = Reshape(x, b)", sketch.Text);
    }

    [Fact]
    public void A_reshape_that_copies_a_dimension_gets_a_target_of_its_own()
    {
        var sketch = new Sketch().Input("x", 2, 6).Const("a", 3, 4).Const("b", 0, 2, 2).Node("t", "Reshape", "x a").Node("y", "Reshape", "t b").Output("y");
        sketch.RunSame(0, new ComposeViews());
        Assert.Equal([3L, 2L, 2L], Assert.Single(sketch.Graph.Nodes).Input(1)!.Constant!.ToInt64()!);
    }

    [Fact]
    public void Views_that_come_back_are_none_and_leave_the_value_between_to_others()
    {
        var sketch = new Sketch().Input("x", "B", 6).Const("one", 1L).Node("t", "Unsqueeze", "x one").Node("u", "Squeeze", "t one")
            .Node("y", "Relu", "u").Node("z", "Relu", "t").Output("y", "z");
        sketch.RunSame(0, new ComposeViews());
        Assert.Equal("y = Relu(x)", sketch["y"].Producer!.ToString());
        Assert.Equal("Unsqueeze", sketch["z"].Producer!.Inputs[0]!.Producer!.OpType);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 0)]
    [InlineData(-1, 1)]
    [InlineData(0, -1)]
    public void Two_unsqueezes_are_one(long first, long second)
    {
        var sketch = new Sketch().Input("x", "B", 6).Const("a", first).Const("b", second).Node("t", "Unsqueeze", "x a").Node("y", "Unsqueeze", "t b").Output("y");
        sketch.RunSame(0, new ComposeViews());
        Assert.Equal("Unsqueeze", sketch.Ops);
    }
}
