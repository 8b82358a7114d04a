using OnnxEff.Benchmarks.Running;
using OnnxEff.Formats;
using OnnxEff.Ir;
using OnnxEff.Ops;

namespace OnnxEff.Benchmarks.LowBit;

/// <summary>A way to store a weight and to multiply with it.</summary>
/// <param name="Name">Column of the table.</param>
/// <param name="BitsPerWeight">Bits that a product reads for each weight, codebooks left out.</param>
/// <param name="Layer">A node that multiplies an input with a drawn weight.</param>
sealed record LowBitForm(string Name, double BitsPerWeight, Func<LowBitCase, BoundGraph, Value, Random, Node> Layer)
{
    const int BlockSize = 32, PublicVectorLength = 8;

    /// <summary>ONNX Runtime's product with the dense weight.</summary>
    public static LowBitForm MatMul { get; } = new("MatMul fp32", 32, (c, graph, input, random) => graph.Node("MatMul", "", [input, graph.Constant(Numbers(random, [c.Inputs, c.Outputs]))]));

    /// <summary>ONNX Runtime's MatMulNBits with 4 bits and blocks of 32, computing in int8.</summary>
    public static LowBitForm MatMulNBits { get; } = new("MatMulNBits", 5, (c, graph, input, random) => graph.Node("MatMulNBits", "com.microsoft",
        [input, graph.Constant(Bytes(random, [c.Outputs, c.Inputs / BlockSize, BlockSize / 2])), graph.Constant(Numbers(random, [(long)c.Outputs * c.Inputs / BlockSize]))],
        ("K", c.Inputs), ("N", c.Outputs), ("bits", 4), ("block_size", BlockSize), ("accuracy_level", 4)));

    /// <summary>Ours.</summary>
    public static IReadOnlyList<LowBitForm> Ours { get; } =
    [
        Vq(2, 16, accuracyLevel: 4), Vq(2, 64, accuracyLevel: 4), Vq(2, 256, accuracyLevel: 4), Vq(4, 256, accuracyLevel: 4), Vq(2, 16, accuracyLevel: 0),
        Vptq(256, 256), Vptq(4096, 0), Vptq(65536, 0), Vptq(256, 256, AccuracyLevel.Bytes), Affine(4, hasMinima: true), Affine(8, hasMinima: false), Affine(4, hasMinima: true, AccuracyLevel.Bytes),
    ];

    /// <summary>VqMatMul: vectors along the inputs, with the side data that a quantiser leaves.</summary>
    static LowBitForm Vq(int vectorLength, int centroids, int accuracyLevel)
    {
        double bits = Math.Log2(centroids) / vectorLength;
        return new($"Vq v{vectorLength} {centroids}{(accuracyLevel == 0 ? " exact" : "")}", bits, (c, graph, input, random) =>
        {
            var layout = new VqInputLayout(c.Outputs, c.Inputs, vectorLength, centroids);
            int outliers = (int)((long)c.Outputs * c.Inputs / 4000);
            ushort[] rows = [.. Enumerable.Range(0, outliers).Select(_ => (ushort)random.Next(c.Outputs)).Order()];
            ushort[] inputs = [.. rows.Select(_ => (ushort)random.Next(c.Inputs))], permutation = [.. Enumerable.Range(0, c.Inputs).Select(i => (ushort)i)];
            random.Shuffle(permutation);
            return graph.Node(VqMatMul.Schema.Name, OnnxEffOperators.Domain,
                [input, graph.Constant(Bytes(random, [layout.Tiles, layout.Units, layout.UnitBytes])), graph.Constant(Halves(random, [centroids, vectorLength])),
                    graph.Constant(Halves(random, [c.Inputs])), graph.Constant(Halves(random, [c.Outputs])), graph.Constant(Tensor.Vector<ushort>(permutation)),
                    graph.Constant(Tensor.Vector<ushort>(rows)), graph.Constant(Tensor.Vector<ushort>(inputs)), graph.Constant(Halves(random, [outliers]))],
                ("K", c.Inputs), ("N", c.Outputs), ("accuracy_level", accuracyLevel));
        });
    }

    /// <summary>VptqMatMul, vectors of 8 along the outputs, with codebooks of k and k2 centroids (0 for none).</summary>
    static LowBitForm Vptq(int centroids, int residual, int accuracyLevel = AccuracyLevel.Full)
    {
        int bits = (int)Math.Log2(centroids) + (residual == 0 ? 0 : (int)Math.Log2(residual));
        return new($"Vptq v8 {centroids}{(residual == 0 ? "" : $"+{residual}")}{Suffix(accuracyLevel)}", (double)bits / PublicVectorLength, (c, graph, input, random) =>
            graph.Node(VptqMatMul.Schema.Name, OnnxEffOperators.Domain,
                [input, graph.Constant(Words(random, [1, c.Outputs / PublicVectorLength, c.Inputs * bits / 32])), graph.Constant(Numbers(random, [1, centroids, PublicVectorLength])),
                    residual == 0 ? null : graph.Constant(Numbers(random, [1, residual, PublicVectorLength]))],
                ("K", c.Inputs), ("N", c.Outputs), (AccuracyLevel.Name, accuracyLevel)));
    }

    /// <summary>AffineMatMul: a grid for each block of 32 inputs.</summary>
    static LowBitForm Affine(int bits, bool hasMinima, int accuracyLevel = AccuracyLevel.Full)
    {
        AffineBlockLayout Of(LowBitCase c) => new(c.Outputs, c.Inputs, bits, hasMinima);
        double stored = 8.0 * Of(new(1, 1, 1, 1)).UnitBytes / (AffineBlockLayout.TileRows * AffineBlockLayout.BlockInputs);
        return new($"Affine {bits}{(hasMinima ? " minima" : "")}{Suffix(accuracyLevel)}", stored, (c, graph, input, random) =>
        {
            AffineBlockLayout layout = Of(c);
            var codes = new byte[(long)c.Outputs * c.Inputs];
            random.NextBytes(codes);
            for (int i = 0; i < codes.Length; i++) codes[i] &= (byte)((1 << bits) - 1);
            Half[] side = Halves(random, [c.Outputs * layout.Blocks]).As<Half>().ToArray();
            return graph.Node(AffineMatMul.Schema.Name, OnnxEffOperators.Domain, [input, graph.Constant(AffineBlocks.Pack(layout, codes, side, side).Units)],
                ("K", c.Inputs), ("N", c.Outputs), (AccuracyLevel.Name, accuracyLevel));
        });
    }

    static string Suffix(int accuracyLevel) => accuracyLevel == AccuracyLevel.Bytes ? " bytes" : "";

    static Tensor Bytes(Random random, long[] dims)
    {
        var bytes = new byte[Tensor.CountOf(dims)];
        random.NextBytes(bytes);
        return Tensor.Create<byte>(dims, bytes);
    }

    static Tensor Words(Random random, long[] dims) => new(ElementType.Int32, dims, Bytes(random, [4 * Tensor.CountOf(dims)]).Data);

    static Tensor Numbers(Random random, long[] dims)
    {
        var numbers = new float[Tensor.CountOf(dims)];
        for (int i = 0; i < numbers.Length; i++) numbers[i] = random.NextSingle() - 0.5f;
        return Tensor.Create<float>(dims, numbers);
    }

    static Tensor Halves(Random random, long[] dims) => Tensor.Create<Half>(dims, Array.ConvertAll(Numbers(random, dims).As<float>().ToArray(), f => (Half)f));
}
