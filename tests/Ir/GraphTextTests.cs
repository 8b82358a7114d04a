using OnnxEff.Ir.Onnx;
using OnnxEff.Ir.Text;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Ir;

public class GraphTextTests
{
    const string Sample = """
        (x: float32[B, 2*S + 1], c: bool[]) -> (y) {
          g: float32[2] = {1.0, 0.5}
          h: float32[B, 2*S + 1], _ = com.microsoft.Norm{epsilon=1E-05, axes=[-1], mode="a\"b", t=int64[2] {1, 2}}(x, _, g)
          y = If{then_branch=() -> (a) {
            a = Relu(h)
          }, else_branch=() -> (b) {
            b = Neg(x)
          }}(c)
        }
        """;

    [Fact]
    public void A_text_is_printed_as_it_was_read()
    {
        var printed = GraphText.Parse(Sample).ToText();
        Assert.Equal(printed, GraphText.Parse(printed).ToText());
        Assert.Contains("com.microsoft.Norm{epsilon=1E-05, axes=[-1]", printed, StringComparison.Ordinal);
    }

    [Fact]
    public void Literals_become_constants()
    {
        var graph = GraphText.Parse("(x: float32[2]) -> (y) { h = Pow(x, 2.0)  y = Reshape(h, [1, 2]) }");
        Assert.Equal(2f, graph.Nodes.First().Inputs[1]!.Constant!.As<float>()[0]);
        Assert.Equal([1, 2], graph.Nodes.Last().Inputs[1]!.Constant!.ToInt64()!);
    }

    [Theory]
    [InlineData("llama--optimum")]
    [InlineData("llama--dynamo18")]
    [InlineData("llama--genai-fp32")]
    [InlineData("llama--ortopt")]
    public void A_real_graph_survives_its_text(string cell)
    {
        var printed = OnnxReader.Load(Fixtures.Of(cell, "model.onnx")).Graph.ToText();
        Assert.Equal(printed, GraphText.Parse(printed).ToText());
    }

    [Theory]
    [InlineData("(x) -> (y) { }")]
    [InlineData("(x) -> (x) { y = Abs(z) }")]
    [InlineData("(x -> (x) { }")]
    [InlineData("(x: float31) -> (x) { }")]
    public void What_is_no_graph_is_refused_with_its_line(string text) =>
        Assert.StartsWith("Line 1", Assert.Throws<FormatException>(() => GraphText.Parse(text)).Message, StringComparison.Ordinal);
}
