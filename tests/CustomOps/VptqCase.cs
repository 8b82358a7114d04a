using OnnxEff.CustomOps.Cpu;
using OnnxEff.Formats;
using OnnxEff.Ir;
using OnnxEff.Ops;

namespace OnnxEff.Tests.CustomOps;

/// <summary>A layer of drawn codes, and activations for it.</summary>
/// <param name="Layout">Sizes of the layer.</param>
/// <param name="Tokens">Rows of activations.</param>
public sealed record VptqCase(VptqLayout Layout, int Tokens)
{
    /// <summary>Columns are stored in an order of their own.</summary>
    public bool Permuted { get; init; }

    /// <summary>There are a scale and an offset.</summary>
    public bool Scaled { get; init; }

    /// <summary>There is a bias.</summary>
    public bool Biased { get; init; }

    /// <summary>Side data is fp16.</summary>
    public bool HalfSideData { get; init; }

    /// <summary>The layer.</summary>
    public VptqCodes Codes()
    {
        var random = new Random(Tokens * 31 + Layout.Outputs);
        var words = new int[Layout.Groups * Layout.Vectors * Layout.RowWords];
        for (int row = 0; row < Layout.Groups * Layout.Vectors; row++)
            for (int c = 0; c < Layout.GroupSize; c++)
                PackedIndices.Write(words.AsSpan(row * Layout.RowWords, Layout.RowWords), c, Layout.CodeBits, (uint)random.NextInt64(1L << Layout.CodeBits));
        int[] permutation = [.. Enumerable.Range(0, Layout.Inputs)];
        random.Shuffle(permutation);
        bool outliers = Layout.OutlierColumns > 0;
        return new(Layout, Tensor.Create<int>([Layout.Groups, Layout.Vectors, Layout.RowWords], words), Side(1, Layout.Groups, Layout.Centroids, Layout.VectorLength))
        {
            ResidualCodebook = Layout.ResidualCentroids > 0 ? Side(0.25f, Layout.Groups, Layout.ResidualCentroids, Layout.VectorLength) : null,
            OutlierCodes = outliers ? Tensor.Create<ushort>([Layout.OutlierVectors, Layout.OutlierColumns],
                [.. Enumerable.Range(0, Layout.OutlierVectors * Layout.OutlierColumns).Select(_ => (ushort)random.Next(Layout.OutlierCentroids))]) : null,
            OutlierCodebook = outliers ? Side(3, Layout.OutlierCentroids, Layout.OutlierVectorLength) : null,
            Permutation = Permuted ? Tensor.Vector<int>(permutation) : null,
            Scale = Scaled ? Side(1, Layout.Inputs) : null,
            Offset = Scaled ? Side(0.5f, Layout.Inputs) : null,
            Bias = Biased ? Side(2, Layout.Outputs) : null,
        };

        Tensor Side(float size, params long[] dims)
        {
            float[] numbers = [.. Enumerable.Range(0, (int)Tensor.CountOf(dims)).Select(_ => size * (random.NextSingle() * 2 - 1))];
            return HalfSideData ? Tensor.Create<Half>(dims, Array.ConvertAll(numbers, f => (Half)f)) : Tensor.Create<float>(dims, numbers);
        }
    }

    /// <summary>Activations that both types of activations hold.</summary>
    public Dense<float> Input()
    {
        var random = new Random(Tokens);
        return new([1, Tokens, Layout.Inputs], [.. Enumerable.Range(0, Tokens * Layout.Inputs).Select(_ => (float)(Half)(random.NextSingle() * 2 - 1))]);
    }

    /// <summary>The inputs of a call on guarded memory.</summary>
    internal static unsafe VptqTensors Put(Arena memory, VptqCodes codes, Dense<float> input, ElementType kind) => new()
    {
        Input = memory.Put(input, kind),
        Codes = memory.Copy(codes.Codes),
        Codebook = memory.Copy(codes.Codebook),
        ResidualCodebook = memory.Copy(codes.ResidualCodebook),
        OutlierCodes = memory.Copy(codes.OutlierCodes),
        OutlierCodebook = memory.Copy(codes.OutlierCodebook),
        Permutation = memory.Copy(codes.Permutation),
        Scale = memory.Copy(codes.Scale),
        Offset = memory.Copy(codes.Offset),
        Bias = memory.Copy(codes.Bias),
    };
}
