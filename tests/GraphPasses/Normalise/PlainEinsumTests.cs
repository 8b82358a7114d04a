using OnnxEff.GraphPasses.Normalise;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.GraphPasses.Normalise;

public class PlainEinsumTests
{
    const double Rounding = 1e-5;

    [Fact]
    public void Queries_and_keys_are_a_product_of_transposed_heads()
    {
        var sketch = new Sketch().Input("q", "B", "S", 2, 4).Input("k", "B", "T", 2, 4).Node("y", "Einsum", "q k", ("equation", "bqhd,bkhd->bhqk")).Output("y");
        sketch.RunSame(Rounding, new PlainEinsum());
        Assert.Equal("Transpose Transpose MatMul", sketch.Ops);
    }

    [Fact]
    public void Heads_of_a_weight_are_joined_and_split_again()
    {
        var sketch = new Sketch().Input("x", "B", "S", 8).Weight("w", 8, 2, 4).Node("y", "Einsum", "x w", ("equation", "bsd,dhe->bshe")).Output("y");
        sketch.RunSame(Rounding, new PlainEinsum());
        Assert.Equal("Reshape MatMul Reshape", sketch.Ops);
    }

    [Fact]
    public void A_product_without_a_sum_stays()
    {
        var sketch = new Sketch().Input("x", "B", 3).Input("z", "B", 4).Node("y", "Einsum", "x z", ("equation", "bi,bj->bij")).Output("y");
        sketch.RunSame(0, new PlainEinsum());
        Assert.Equal("Einsum", sketch.Ops);
    }
}
