using OnnxEff.GraphPasses.Lower;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.GraphPasses.Lower;

public class JoinSlicesTests
{
    static Sketch Sketch => new Sketch().Input("x", "B", 6).Const("axis", -1L).Const("0", 0L).Const("2", 2L).Const("3", 3L).Const("6", 6L);

    [Fact]
    public void Parts_that_make_up_the_whole_are_one_split()
    {
        var sketch = Sketch.Node("b", "Slice", "x 2 6 axis").Node("a", "Slice", "x 0 2 axis").Output("a", "b");
        sketch.RunSame(0, new JoinSlices());
        Assert.Equal("Split", sketch.Ops);
        Assert.Equal([2L, 4L], sketch.Graph.Nodes.Single().Input(1)!.Constant!.ToInt64()!);
    }

    [Fact]
    public void A_part_of_a_part_is_split_too()
    {
        var sketch = Sketch.Node("b", "Slice", "x 2 6 axis").Node("a", "Slice", "x 0 2 axis").Node("c", "Slice", "b 0 2 axis").Node("d", "Slice", "b 2 6 axis")
            .Output("a", "c", "d");
        sketch.RunSame(0, new JoinSlices());
        Assert.Equal("Split Split", sketch.Ops);
    }

    [Theory]
    [InlineData("x 0 2 axis", "x 3 6 axis")] // something is left out
    [InlineData("x 0 3 axis", "x 2 6 axis")] // they overlap
    [InlineData("x 0 2 axis", "x 2 3 axis")] // the end is left out
    public void Other_parts_stay(string first, string second)
    {
        var sketch = Sketch.Node("a", "Slice", first).Node("b", "Slice", second).Output("a", "b");
        sketch.RunSame(0, new JoinSlices());
        Assert.Equal("Slice Slice", sketch.Ops);
    }
}
