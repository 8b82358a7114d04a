using System.Runtime.InteropServices;
using OnnxEff.GraphPasses;
using OnnxEff.GraphPasses.Layers;
using OnnxEff.Ir;
using OnnxEff.Ir.Onnx;
using OnnxEff.Ops;
using OnnxEff.Runtime;
using OnnxEff.Tests.Runtime;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.GraphPasses.Raise;

/// <summary>What a graph means does not depend on how many digits its numbers have.</summary>
public class HalfPrecisionTests
{
    public HalfPrecisionTests() => Native.Require();

    public static TheoryData<string> HalfCells => [.. Fixtures.SharedFiles("model.onnx", "matrix").Where(f => f.Length == 0 || f.Contains("fp16", StringComparison.Ordinal))];

    [Fact]
    public void A_half_precision_export_says_the_same_of_its_layers_as_the_full_one()
    {
        var (full, half) = (Lines(Fixture("llama--optimum")), Lines(Fixture("llama--optimum-fp16")));
        // Its file holds the frequencies with eleven bits, so that no base gives them.
        Assert.Contains(full, l => l is { Meaning: Meanings.Rotary, Sentence: "base 10000, width 16" });
        Assert.Contains(half, l => l is { Meaning: Meanings.Rotary, Sentence: "explicit frequencies, width 16" });
        static bool IsSame(LayerReport line) => line.Meaning is not (Meanings.Rotary or Meanings.Linear);
        Assert.Equal(full.Where(IsSame), half.Where(IsSame));
    }

    [Theory]
    [MemberData(nameof(HalfCells))]
    public void A_bfloat16_graph_is_raised_like_the_half_precision_one(string file)
    {
        var (half, brain) = (OnnxReader.Load(Fixtures.Shared(file)), OnnxReader.Load(Fixtures.Shared(file)));
        ToBFloat16(brain);
        var expected = Lines(half);
        Assert.Equal(expected, Lines(brain).Select(l => l with { Sentence = l.Sentence.Replace("BFloat16", "Float16", StringComparison.Ordinal) }));
        Assert.All(brain.Graph.Nodes.Where(n => n.Domain == OnnxEffOperators.Domain), n => Assert.Equal(ElementType.BFloat16, n.Input(0)!.Type!.Element));
        Assert.DoesNotContain(expected, l => l.IsRefused);
    }

    static Model Fixture(string cell) => OnnxReader.Load(Fixtures.Of(cell, "model.onnx"));

    static LayerReport[] Lines(Model model) => [.. Optimizer.Run(model, new(), new OrtEvaluator()).Layers.Select(l => l with { NodeName = "" })];

    /// <summary>Every float16 becomes bfloat16.</summary>
    static void ToBFloat16(Model model)
    {
        foreach (var graph in model.AllGraphs)
        {
            foreach (var value in graph.Values)
            {
                value.Type = value.Type is { Element: ElementType.Float16 } type ? type with { Element = ElementType.BFloat16 } : value.Type;
                value.Initializer = value.Initializer is { } tensor ? Narrow(tensor) : null;
            }
            foreach (var node in graph.Nodes)
            {
                foreach (var (name, attribute) in node.Attributes.ToArray())
                {
                    if (attribute is TensorAttribute { Value: var tensor })
                        node.SetAttribute(name, Narrow(tensor));
                    else if (name == "to" && node.Int("to") == (long)ElementType.Float16)
                        node.SetAttribute(name, (long)ElementType.BFloat16);
                }
            }
        }
    }

    static Tensor Narrow(Tensor tensor) => tensor.Element != ElementType.Float16 ? tensor
        : new(ElementType.BFloat16, tensor.Dims, new TensorData(MemoryMarshal.AsBytes(Array.ConvertAll(tensor.ToDouble()!,
            v => (ushort)(BitConverter.SingleToInt32Bits((float)v) >> 16)).AsSpan()).ToArray()));
}
