using OnnxEff.GraphPasses.Normalise;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.GraphPasses.Normalise;

public class PlainRepeatsTests
{
    static Sketch Sketch => new Sketch().Input("x", 3, 2, "S", 4).Const("twice", 0, 0, 1, 1).Const("turns", 0, 1, 0, 1);

    [Fact]
    public void A_gather_of_each_index_twice_is_an_expand()
    {
        var sketch = Sketch.Node("y", "Gather", "x twice", ("axis", 1)).Output("y");
        sketch.RunSame(0, new PlainRepeats());
        Assert.Equal("Unsqueeze Expand Reshape", sketch.Ops);
    }

    [Fact]
    public void A_tile_along_an_axis_of_size_1_is_an_expand()
    {
        var sketch = Sketch.Const("axis", 2L).Const("repeats", 1, 1, 3, 1, 1).Node("u", "Unsqueeze", "x axis").Node("y", "Tile", "u repeats").Output("y");
        sketch.RunSame(0, new PlainRepeats());
        Assert.Equal("Unsqueeze Expand", sketch.Ops);
    }

    [Fact]
    public void Copies_in_another_order_stay()
    {
        var sketch = Sketch.Node("y", "Gather", "x turns", ("axis", 1)).Output("y");
        sketch.RunSame(0, new PlainRepeats());
        Assert.Equal("Gather", sketch.Ops);
    }
}
