using OnnxEff.GraphPasses.Lower;
using OnnxEff.GraphPasses.Normalise;
using OnnxEff.GraphPasses.Raise;
using OnnxEff.Ir;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.GraphPasses.Raise;

public class LinearTests
{
    static Sketch Start() => new Sketch().Input("x", 2, 3, 4).Input("flat", 3, 4).Weight("w", 4, 5).Weight("wt", 5, 4).Weight("b", 5);

    [Fact]
    public void A_product_with_a_constant_matrix_takes_the_bias_added_to_it()
    {
        var sketch = Start().Node("p", "MatMul", "x w").Node("y", "Add", "b p").Output("y");
        sketch.Run(new LinearLayers());
        Assert.Equal("y = llm.Linear(x, w, b)", sketch.Text);
    }

    [Fact]
    public void A_tied_weight_stays_stored_as_it_is()
    {
        var sketch = Start().Node("t", "Transpose", "wt").Node("y", "MatMul", "x t").Output("y");
        sketch.RunSame(1e-6, new LinearLayers(), new LowerLinear());
        Assert.Equal("Transpose MatMul", sketch.Ops);
        Assert.Same(sketch["wt"], sketch.Graph.Nodes.First().Input(0));
    }

    [Theory]
    [InlineData("flat w b", 0, 1f, "MatMul Add")]
    [InlineData("flat wt b", 1, 1f, "Transpose MatMul Add")]
    [InlineData("flat wt", 1, 1f, "Transpose MatMul")]
    [InlineData("flat w b", 0, 2f, "MatMul Mul Add")]
    public void A_gemm_is_a_linear_layer(string inputs, long transB, float alpha, string ops)
    {
        var sketch = Start().Node("y", "Gemm", inputs, ("transB", transB), ("alpha", alpha)).Output("y");
        sketch.RunSame(1e-5, new PlainProducts(), new LinearLayers(), new LowerLinear());
        Assert.Equal(ops, sketch.Ops);
    }

    [Fact]
    public void A_product_of_computed_matrices_is_none()
    {
        var sketch = Start().Input("k", 4, 5).Node("y", "MatMul", "x k").Output("y");
        Assert.Equal(0, sketch.Run(new LinearLayers()).Applied("raise-linear"));
    }

    [Fact]
    public void A_quantised_product_keeps_its_stored_form()
    {
        var sketch = new Sketch().Input("x", 2, 32).Const("q", Tensor.Create<byte>([5, 1, 16], new byte[80])).Weight("scales", 5).Weight("b", 5)
            .Node("p", "com.microsoft.MatMulNBits", "x q scales", ("K", 32), ("N", 5), ("bits", 4), ("block_size", 32)).Node("y", "Add", "p b").Output("y");
        sketch.RunSame(1e-5, new LinearLayers(), new LowerLinear());
        Assert.Equal("y = com.microsoft.MatMulNBits(x, q, scales, _, _, b)", sketch.Text);
        Assert.DoesNotContain("format", sketch.Graph.Nodes.Single().Attributes.Keys);
    }
}
