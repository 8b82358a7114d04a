using System.Runtime.InteropServices;
using OnnxEff.Ir;

namespace OnnxEff.Formats;

/// <summary>
/// A linear layer in the public VPTQ layout. Side data (codebooks, scale, offset, bias) is fp32, fp16 or bf16. What this class holds is what
/// the operator VptqMatMul takes.
/// </summary>
/// <param name="Layout">The sizes.</param>
/// <param name="Codes">int32 [G, M, words]: a row of <see cref="PackedIndices"/> for each group and vector; main index in the low bits.</param>
/// <param name="Codebook">[G, k, v]</param>
public sealed record VptqCodes(VptqLayout Layout, Tensor Codes, Tensor Codebook)
{
    /// <summary>[G, k2, v], or null.</summary>
    public Tensor? ResidualCodebook { get; init; }

    /// <summary>uint16 [M0, S], or null.</summary>
    public Tensor? OutlierCodes { get; init; }

    /// <summary>[k0, v0], or null.</summary>
    public Tensor? OutlierCodebook { get; init; }

    /// <summary>int32 [K]: the input that each stored column belongs to; null where that is its own number.</summary>
    public Tensor? Permutation { get; init; }

    /// <summary>[K]: by input, not by stored column; null for ones.</summary>
    public Tensor? Scale { get; init; }

    /// <summary>[K]: by input; null for zeros.</summary>
    public Tensor? Offset { get; init; }

    /// <summary>[N]: added to the product; null for none.</summary>
    public Tensor? Bias { get; init; }

    /// <summary>Bytes of all tensors.</summary>
    public long Bytes => SideData.Append(Codes).Append(OutlierCodes).Append(Permutation).Sum(t => t?.Data.Length ?? 0);

    /// <summary>Why the contents are no weight, or null when they are fine: what sizes alone do not tell.</summary>
    public string? Refusal()
    {
        foreach (var (name, tensor) in (ReadOnlySpan<(string, Tensor?)>)[("codebook", Codebook), ("residual codebook", ResidualCodebook),
            ("codebook of outliers", OutlierCodebook), ("weight scale", Scale), ("weight bias", Offset), ("bias", Bias)])
        {
            if (tensor is not null && Array.FindIndex(Floats(tensor), f => !float.IsFinite(f)) is >= 0 and var at) return $"number {at} of the {name} is not finite";
        }
        if (IndicesOfOutliers is var outliers && outliers.IndexOfAnyExceptInRange((ushort)0, (ushort)(Layout.OutlierCentroids - 1)) is >= 0 and var index)
            return $"outlier index {outliers[index]} is outside of a codebook of {Layout.OutlierCentroids}";
        return Permutation is null ? null : RefusePermutation(Permutation.As<int>());
    }

    ReadOnlySpan<ushort> IndicesOfOutliers => OutlierCodes is null ? default : OutlierCodes.As<ushort>();

    /// <summary>Why these are not the numbers from 0 in some order, or null when they are.</summary>
    public static string? RefusePermutation(ReadOnlySpan<int> permutation)
    {
        var seen = new bool[permutation.Length];
        foreach (var input in permutation)
        {
            if ((uint)input >= (uint)seen.Length) return $"the permutation names column {input} of {seen.Length}";
            if (seen[input]) return $"the permutation names column {input} twice";
            seen[input] = true;
        }
        return null;
    }

    /// <summary>
    /// The dense weight [N, K], row-major, in fp32:
    /// 1. stored column S + g·gs + c holds in rows m·v … m·v + v - 1 centroid main(g, m, c) plus residual centroid res(g, m, c) of group g;
    /// 2. stored column c &lt; S holds in rows m·v0 … outlier centroid index(m, c); rows behind N are dropped;
    /// 3. stored column j belongs to input permutation[j];
    /// 4. each input's weights are multiplied by its scale, and its offset is added.
    /// </summary>
    public float[] Decode()
    {
        var (n, k) = (Layout.Outputs, Layout.Inputs);
        var dense = new float[(long)n * k];
        Action<int, int, float> place = Placing(dense);
        DecodeGroups(place);
        if (OutlierCodes is not null) DecodeOutliers(place);
        return dense;
    }

    Action<int, int, float> Placing(float[] dense)
    {
        var permutation = Permutation?.As<int>().ToArray();
        var (scale, offset) = (Scale is null ? null : Floats(Scale), Offset is null ? null : Floats(Offset));
        return (output, column, value) =>
        {
            if (output >= Layout.Outputs) return;
            var input = permutation is null ? column : permutation[column];
            dense[(long)output * Layout.Inputs + input] = value * (scale?[input] ?? 1) + (offset?[input] ?? 0);
        };
    }

    void DecodeGroups(Action<int, int, float> place)
    {
        var (v, size, bits) = (Layout.VectorLength, Layout.GroupSize, Layout.MainBits);
        var (main, residual) = (Floats(Codebook), ResidualCodebook is null ? null : Floats(ResidualCodebook));
        var words = Codes.As<int>();
        for (var g = 0; g < Layout.Groups; g++)
            for (var m = 0; m < Layout.Vectors; m++)
            {
                var row = words.Slice((g * Layout.Vectors + m) * Layout.RowWords, Layout.RowWords);
                for (var c = 0; c < size; c++)
                {
                    var code = PackedIndices.Read(row, c, Layout.CodeBits);
                    var centroid = (g * Layout.Centroids + (int)(code & ((1u << bits) - 1))) * v;
                    var second = residual is null ? 0 : (g * Layout.ResidualCentroids + (int)(code >> bits)) * v;
                    for (var t = 0; t < v; t++) place(m * v + t, Layout.OutlierColumns + g * size + c, main[centroid + t] + (residual?[second + t] ?? 0));
                }
            }
    }

    void DecodeOutliers(Action<int, int, float> place)
    {
        var (v, columns) = (Layout.OutlierVectorLength, Layout.OutlierColumns);
        var centroids = Floats(OutlierCodebook!);
        var indices = OutlierCodes!.As<ushort>();
        for (var m = 0; m < Layout.OutlierVectors; m++)
            for (var c = 0; c < columns; c++)
                for (var t = 0; t < v; t++) place(m * v + t, c, centroids[indices[m * columns + c] * v + t]);
    }

    /// <summary>The same with side data of one type, fp16 where all of it is, else fp32; nothing is rounded.</summary>
    public VptqCodes WithOneSideType() => SideData.All(t => t is null or { Element: ElementType.Float16 }) ? this : this with
    {
        Codebook = Single(Codebook)!,
        ResidualCodebook = Single(ResidualCodebook),
        OutlierCodebook = Single(OutlierCodebook),
        Scale = Single(Scale),
        Offset = Single(Offset),
        Bias = Single(Bias),
    };

    Tensor?[] SideData => [Codebook, ResidualCodebook, OutlierCodebook, Scale, Offset, Bias];

    static Tensor? Single(Tensor? tensor) => tensor is null or { Element: ElementType.Float32 } ? tensor : Tensor.Create<float>(tensor.Dims, Floats(tensor));

    /// <summary>Side data as fp32; nothing is rounded.</summary>
    public static float[] Floats(Tensor tensor) => tensor.Element switch
    {
        ElementType.Float32 => tensor.As<float>().ToArray(),
        ElementType.Float16 => Array.ConvertAll(tensor.As<Half>().ToArray(), h => (float)h),
        ElementType.BFloat16 => Array.ConvertAll(MemoryMarshal.Cast<byte, ushort>(tensor.Data.Span).ToArray(), b => BitConverter.Int32BitsToSingle(b << 16)),
        _ => throw new InvalidDataException($"Side data of VPTQ is fp32, fp16 or bf16, not {tensor.Element}."),
    };
}
