using OnnxEff.Benchmarks.Running;
using OnnxEff.Ir;
using OnnxEff.Runtime;

namespace OnnxEff.Benchmarks.LowBit;

/// <summary>A product with a drawn weight.</summary>
/// <param name="Outputs">N.</param>
/// <param name="Inputs">K.</param>
/// <param name="Tokens">Rows of activations.</param>
/// <param name="Layers">Weights that a run multiplies with, one after the other: many of them are out of every cache.</param>
sealed record LowBitCase(int Outputs, int Inputs, int Tokens, int Layers)
{
    const long BeyondCaches = 128 << 20, MostLayers = 512;
    const int NodesOfLayer = 8;
    const long SmallProduct = 1 << 26;

    /// <summary>Nodes of a run. One layer alone is multiplied with in several, where a call of the session costs as much as the product.</summary>
    public int Nodes => Layers == 1 && (long)Tokens * Outputs * Inputs < SmallProduct ? NodesOfLayer : Layers;

    /// <summary>As many layers that those of 2 bits a weight fit no cache.</summary>
    public static LowBitCase OutOfCache(int outputs, int inputs, int tokens) =>
        new(outputs, inputs, tokens, (int)Math.Clamp(BeyondCaches * 4 / ((long)outputs * inputs), 2, MostLayers));

    /// <summary>The activations.</summary>
    public OrtTensor Activations()
    {
        var random = new Random(1);
        float[] x = [.. Enumerable.Range(0, Tokens * Inputs).Select(_ => random.NextSingle() - 0.5f)];
        return OrtTensor.From<float>(x, [Tokens, Inputs]);
    }

    /// <summary>All products in one form, each with an output of its own; and with an input of its own where the layer is the same, as nodes would be merged else.</summary>
    public BoundGraph Build(LowBitForm form, OrtTensor x)
    {
        var graph = new BoundGraph();
        Value input = graph.Input("x", x);
        Node? layer = null;
        for (int i = 0; i < Nodes; i++)
        {
            layer = layer is null || Layers > 1 ? form.Layer(this, graph, input, new Random(i)) : graph.Again(layer, graph.Input($"x{i}", x));
            graph.Output(layer, $"y{i}", OrtTensor.Zeros(ElementType.Float32, [Tokens, Outputs]));
        }
        return graph;
    }
}
