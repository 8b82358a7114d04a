using OnnxEff.GraphPasses.Normalise;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.GraphPasses.Normalise;

public class CancelViewsTests
{
    [Fact]
    public void A_squeeze_takes_back_one_of_the_axes_added()
    {
        var sketch = new Sketch().Input("x", "B", 6).Const("both", 1, 3).Const("last", 3L).Node("u", "Unsqueeze", "x both").Node("y", "Squeeze", "u last").Output("y");
        sketch.RunSame(0, new CancelViews());
        Assert.Equal([1L], Assert.Single(sketch.Graph.Nodes).Input(1)!.Constant!.ToInt64()!);
    }

    [Fact]
    public void A_vector_of_all_elements_between_goes()
    {
        var sketch = new Sketch().Input("x", 2, 6).Const("all", -1L).Const("target", 3, 4).Node("flat", "Reshape", "x all").Node("y", "Reshape", "flat target").Output("y");
        sketch.RunSame(0, new CancelViews());
        Assert.Equal("y = Reshape(x, target)", sketch.Text);
    }

    [Fact]
    public void Rows_of_a_matrix_stay()
    {
        var sketch = new Sketch().Input("x", "B", "S", 6).Const("rows", -1, 6).Const("heads", -1, 2, 3).Node("r", "Reshape", "x rows").Node("y", "Reshape", "r heads").Output("y");
        sketch.RunSame(0, new CancelViews());
        Assert.Equal("Reshape Reshape", sketch.Ops);
    }
}
