using OnnxEff.GraphPasses.Normalise;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.GraphPasses.Normalise;

public class MergeFactorsTests
{
    const double Rounding = 1e-6;

    static Sketch Sketch => new Sketch().Input("x", "B", 4).Input("z", "B", 4).Const("c", 0.5f).Const("d", 3f).Const("root", MathF.Sqrt(0.5f)).Const("two", 2f);

    [Theory]
    [InlineData("Mul", "Mul", 1.5)]
    [InlineData("Mul", "Div", 0.5 / 3)]
    [InlineData("Div", "Mul", 6)]
    public void Two_numbers_are_one(string first, string second, double factor)
    {
        var sketch = Sketch.Node("s", first, "x c").Node("y", second, "s d").Output("y");
        sketch.RunSame(Rounding, new MergeFactors());
        Assert.Equal("Mul", sketch.Ops);
        Assert.Equal(factor, sketch.Graph.Nodes.Single().Input(1)!.Constant!.ToScalar()!.Value, Rounding);
    }

    [Fact]
    public void Numbers_that_cancel_but_for_their_rounding_are_none()
    {
        var sketch = Sketch.Node("s", "Mul", "x root").Node("t", "Mul", "s root").Node("u", "Mul", "t two").Node("y", "Relu", "u").Output("y");
        sketch.RunSame(Rounding, new MergeFactors());
        Assert.Equal("y = Relu(x)", sketch.Text);
    }

    [Fact]
    public void A_factor_stands_behind_a_product()
    {
        var sketch = Sketch.Node("s", "Mul", "x c").Node("y", "Mul", "s z").Output("y");
        sketch.RunSame(Rounding, new MergeFactors());
        Assert.Equal("Mul Mul", sketch.Ops);
        Assert.Equal("x z", string.Join(' ', sketch.Graph.Nodes.First().Inputs.Select(i => i!.Name)));
    }

    [Fact]
    public void A_factor_stands_behind_a_move()
    {
        var sketch = Sketch.Const("heads", 0, 2, 2).Node("s", "Mul", "x c").Node("y", "Reshape", "s heads").Output("y");
        sketch.RunSame(Rounding, new MergeFactors());
        Assert.Equal("Reshape Mul", sketch.Ops);
    }

    [Fact]
    public void A_factor_before_a_constant_vector_becomes_part_of_it()
    {
        var sketch = Sketch.Weight("gamma", 4).Node("s", "Mul", "x c").Node("y", "Mul", "s gamma").Output("y");
        sketch.RunSame(Rounding, new MergeFactors(), new FoldConstants());
        Assert.Equal("Mul", sketch.Ops);
    }

    [Fact]
    public void A_product_that_others_read_stays()
    {
        var sketch = Sketch.Node("s", "Mul", "x c").Node("y", "Mul", "s z").Node("other", "Relu", "s").Output("y", "other");
        sketch.RunSame(Rounding, new MergeFactors());
        Assert.Equal("s", sketch["y"].Producer!.Input(0)!.Name);
    }
}
