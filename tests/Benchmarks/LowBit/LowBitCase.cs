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

    /// <summary>All layers in one form, each with an output of its own.</summary>
    public BoundGraph Build(LowBitForm form, OrtTensor x)
    {
        var graph = new BoundGraph();
        Value input = graph.Input("x", x);
        for (int i = 0; i < Layers; i++) graph.Output(form.Layer(this, graph, input, new Random(i)), $"y{i}", OrtTensor.Zeros(ElementType.Float32, [Tokens, Outputs]));
        return graph;
    }
}
