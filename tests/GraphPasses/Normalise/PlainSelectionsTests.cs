using OnnxEff.GraphPasses.Normalise;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.GraphPasses.Normalise;

public class PlainSelectionsTests
{
    static Sketch Sketch => new Sketch().Input("x", "B", 6).Const("axis", -1L).Const("1", 1L).Const("2", 2L)
        .Const("end", long.MaxValue).Const("sizes", 2, 4).Const("run", 2, 3, -2);

    [Fact]
    public void A_split_is_a_slice_for_each_part_that_is_read()
    {
        var sketch = Sketch.Node("a b", "Split", "x sizes", ("axis", 1)).Node("y", "Relu", "b").Output("y");
        sketch.RunSame(0, new PlainSelections());
        Assert.Equal("Slice Relu", sketch.Ops);
    }

    [Fact]
    public void A_gather_of_neighbours_is_a_slice()
    {
        var sketch = Sketch.Node("y", "Gather", "x run", ("axis", 1)).Output("y");
        sketch.RunSame(0, new PlainSelections());
        Assert.Equal("Slice", sketch.Ops);
    }

    [Fact]
    public void A_squeezed_slice_of_one_index_is_a_gather_of_it()
    {
        var sketch = Sketch.Node("s", "Slice", "x 1 2 axis").Node("y", "Squeeze", "s axis").Output("y");
        sketch.RunSame(0, new PlainSelections());
        Assert.Equal("Gather", sketch.Ops);
    }

    [Fact]
    public void Bounds_and_axes_are_counted_from_the_front()
    {
        var sketch = Sketch.Node("y", "Slice", "x 2 end axis 1").Output("y");
        sketch.RunSame(0, new PlainSelections());
        Assert.Equal("2 6 1", string.Join(' ', sketch.Graph.Nodes.Single().Inputs.Skip(1).Select(i => i!.Constant!.ToInt64()!.Single())));
    }
}
