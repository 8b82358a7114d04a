using OnnxEff.Benchmarks.Running;
using OnnxEff.Ir;
using OnnxEff.Ops;
using OnnxEff.Runtime;

namespace OnnxEff.Benchmarks.LowBit;

/// <summary>A product with a weight of drawn codes.</summary>
/// <param name="Outputs">N.</param>
/// <param name="Inputs">K.</param>
/// <param name="Tokens">Rows of activations.</param>
/// <param name="Layers">Weights that a run multiplies with, one after the other: many of them are out of every cache.</param>
sealed record LowBitCase(int Outputs, int Inputs, int Tokens, int Layers)
{
    const int VectorLength = 8, BlockSize = 32;

    /// <summary>The activations.</summary>
    public OrtTensor Activations()
    {
        var random = new Random(1);
        float[] x = [.. Enumerable.Range(0, Tokens * Inputs).Select(_ => random.NextSingle() - 0.5f)];
        return OrtTensor.From<float>(x, [Tokens, Inputs]);
    }

    /// <summary>VptqMatMul, vectors of 8, with codebooks of k and k2 centroids (0 for none).</summary>
    public BoundGraph Vptq(OrtTensor x, int centroids, int residual)
    {
        int bits = Bits(centroids) + Bits(residual);
        return Build(x, (graph, input, random) => graph.Node(VptqMatMul.Schema.Name, OnnxEffOperators.Domain,
            [input, graph.Constant(Codes(random, [1, Outputs / VectorLength, Inputs * bits / 32])), graph.Constant(Numbers(random, [1, centroids, VectorLength])),
                residual == 0 ? null : graph.Constant(Numbers(random, [1, residual, VectorLength]))], ("K", Inputs), ("N", Outputs)));
    }

    /// <summary>ONNX Runtime's MatMulNBits with 4 bits and blocks of 32, computing in int8.</summary>
    public BoundGraph MatMulNBits(OrtTensor x) => Build(x, (graph, input, random) =>
    {
        var weights = new byte[(long)Outputs * Inputs / 2];
        random.NextBytes(weights);
        return graph.Node("MatMulNBits", "com.microsoft",
            [input, graph.Constant(Tensor.Create<byte>([Outputs, Inputs / BlockSize, BlockSize / 2], weights)), graph.Constant(Numbers(random, [(long)Outputs * Inputs / BlockSize]))],
            ("K", Inputs), ("N", Outputs), ("bits", 4), ("block_size", BlockSize), ("accuracy_level", 4));
    });

    BoundGraph Build(OrtTensor x, Func<BoundGraph, Value, Random, Node> layer)
    {
        var graph = new BoundGraph();
        Value input = graph.Input("x", x);
        for (int i = 0; i < Layers; i++) graph.Output(layer(graph, input, new Random(i)), $"y{i}", OrtTensor.Zeros(ElementType.Float32, [Tokens, Outputs]));
        return graph;
    }

    static int Bits(int centroids) => centroids == 0 ? 0 : (int)Math.Log2(centroids);

    static Tensor Codes(Random random, long[] dims)
    {
        var bytes = new byte[Tensor.CountOf(dims) * sizeof(int)];
        random.NextBytes(bytes);
        return new(ElementType.Int32, dims, new TensorData(bytes));
    }

    static Tensor Numbers(Random random, long[] dims) =>
        Tensor.Create<float>(dims, [.. Enumerable.Range(0, (int)Tensor.CountOf(dims)).Select(_ => random.NextSingle() - 0.5f)]);
}
