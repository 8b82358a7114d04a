using OnnxEff.Formats;
using OnnxEff.Ir;
using static OnnxEff.Ops.Sizes;

namespace OnnxEff.Ops;

/// <summary>The product with a weight in the public VPTQ layout (arXiv 2409.17066): vectors along the outputs, stored as indices into codebooks.</summary>
public static partial class VptqMatMul
{
    /// <summary>The declaration.</summary>
    public static OperatorSchema Schema { get; } = new("VptqMatMul", Since: 1,
        "input · Wᵀ + bias for a weight W [N, K] whose columns are cut into vectors of v outputs. Columns are stored in an order of their own: S outliers, " +
        "then G groups of (K - S) / G. A stored column of group g holds, in rows m·v to m·v + v - 1, centroid main(g, m) of codebook g plus, where there is a residual " +
        "codebook, centroid res(g, m) of that; one of the outliers, in rows m·v0 to m·v0 + v0 - 1, a centroid of outlier_codebook. Rows behind N are dropped. " +
        "Stored column j belongs to input i = permutation[j], and W[o, i] = Q[o, j] · scale[i] + offset[i]. M = ceil(N/v), M0 = ceil(N/v0); k and k2 are powers of two.")
    {
        Types =
        [
            new("T", ElementType.Float32, ElementType.Float16),
            new("C", ElementType.Float32, ElementType.Float16),
            new("I", ElementType.Int32),
            new("U", ElementType.UInt16),
        ],
        Inputs =
        [
            new("input", "T", "..., K", "Activations."),
            new("codes", "I", "G, M, ceil((K-S)/G·n/32)", "A row of bits for each group and vector: bit t of the code of column c is bit c·n + t, counted from the least significant " +
                "of the first word. A code has n = log2(k) + log2(k2) bits, the main index in the low ones."),
            new("codebook", "C", "G, k, v", "Main centroids; v is at most 16."),
            new("residual_codebook", "C", "G, k2, v", "Centroids that are added.", Optional: true),
            new("outlier_codes", "U", "M0, S", "Indices of the outlier columns.", Optional: true),
            new("outlier_codebook", "C", "k0, v0", "Centroids of the outlier columns.", Optional: true),
            new("permutation", "I", "K", "Input of each stored column; left out where that is its own number.", Optional: true),
            new("scale", "C", "K", "Factor of each input's weights.", Optional: true),
            new("offset", "C", "K", "Added to each input's weights.", Optional: true),
            new("bias", "C", "N", "Added to the product.", Optional: true),
        ],
        Outputs = [new("output", "T", "..., N", "input · Wᵀ + bias.")],
        Attributes =
        [
            new("K", ElementType.Int64, null, "Inputs of the layer."),
            new("N", ElementType.Int64, null, "Outputs of the layer."),
            new(AccuracyLevel.Name, ElementType.Int64, AccuracyLevel.Full, "Exactness of products. With up to 24 rows of input and at most 256 centroids of each kind, 4: where the processor looks bytes up in whole registers " +
                "(AVX-512 VBMI and VNNI), activations are rounded to one byte with one step for each row and 128 stored columns, and centroids with one for each place of a vector in a group, at which the largest main centroid and the largest " +
                "residual one are 126 steps together, or one of them alone 127: outputs of random activations and weights are about 1e-2 of their size off. With more rows, " + AccuracyLevel.ManyRows + " 0: fp32."),
        ],
    };

    /// <summary>A layer's tensors in the order of the inputs behind the first, with their names; null where the layer has none.</summary>
    public static (string Name, Tensor? Tensor)[] Tensors(VptqCodes codes) =>
    [
        ("codes", codes.Codes), ("codebook", codes.Codebook), ("residual_codebook", codes.ResidualCodebook), ("outlier_codes", codes.OutlierCodes),
        ("outlier_codebook", codes.OutlierCodebook), ("permutation", codes.Permutation), ("scale", codes.Scale), ("offset", codes.Offset), ("bias", codes.Bias),
    ];

    /// <summary>The layout that the sizes of a call's tensors mean, after every check.</summary>
    /// <param name="inputs">The attribute K.</param>
    /// <param name="outputs">The attribute N.</param>
    /// <param name="x">Sizes of the inputs.</param>
    /// <param name="refusal">Why they mean nothing, null on success.</param>
    public static VptqLayout? Layout(int inputs, int outputs, VptqShapes x, out string? refusal)
    {
        VptqLayout? layout = null;
        refusal = Refuse("input", x.Input, [.. x.Input is [.. var head, _] ? head : [], inputs])
            ?? (x.Codebook is not [>= 1 and <= int.MaxValue, >= 0 and <= int.MaxValue, >= 0 and <= int.MaxValue] ? $"codebook is {Text(x.Codebook)}, not [G, k, v]." : null)
            ?? Refuse("residual_codebook", x.ResidualCodebook, x.ResidualCodebook is [_, >= 0 and <= int.MaxValue, _] ? [x.Codebook[0], x.ResidualCodebook[1], x.Codebook[2]] : [])
            ?? (x.OutlierCodes is null != x.OutlierCodebook is null ? "outlier_codes and outlier_codebook go together." : null)
            ?? (x.OutlierCodes is not (null or [_, > 0 and <= int.MaxValue]) ? $"outlier_codes is {Text(x.OutlierCodes)}, not [M0, S]." : null)
            ?? (x.OutlierCodebook is not (null or [>= 0 and <= int.MaxValue, >= 0 and <= int.MaxValue]) ? $"outlier_codebook is {Text(x.OutlierCodebook)}, not [k0, v0]." : null);
        if (refusal is not null) return null;
        layout = new VptqLayout(outputs, inputs, (int)x.Codebook[2], (int)x.Codebook[1])
        {
            Groups = (int)x.Codebook[0],
            ResidualCentroids = (int)(x.ResidualCodebook?[1] ?? 0),
            OutlierColumns = (int)(x.OutlierCodes?[1] ?? 0),
            OutlierCentroids = (int)(x.OutlierCodebook?[0] ?? 0),
            OutlierVectorLength = (int)(x.OutlierCodebook?[1] ?? 0),
        };
        refusal = layout.Refusal() is { } sizes ? $"{sizes}."
            : Refuse("codes", x.Codes, [layout.Groups, layout.Vectors, layout.RowWords])
            ?? Refuse("outlier_codes", x.OutlierCodes, [layout.OutlierVectors, layout.OutlierColumns])
            ?? Refuse("permutation", x.Permutation, [inputs]) ?? Refuse("scale", x.Scale, [inputs]) ?? Refuse("offset", x.Offset, [inputs])
            ?? Refuse("bias", x.Bias, [outputs]);
        return refusal is null ? layout : null;
    }
}

/// <summary>Sizes of the inputs of a <see cref="VptqMatMul"/> call; null where the node leaves one out.</summary>
/// <param name="Input">Sizes of <c>input</c>.</param>
/// <param name="Codes">Sizes of <c>codes</c>.</param>
/// <param name="Codebook">Sizes of <c>codebook</c>.</param>
public sealed record VptqShapes(long[] Input, long[] Codes, long[] Codebook)
{
    /// <summary>Sizes of <c>residual_codebook</c>.</summary>
    public long[]? ResidualCodebook { get; init; }

    /// <summary>Sizes of <c>outlier_codes</c>.</summary>
    public long[]? OutlierCodes { get; init; }

    /// <summary>Sizes of <c>outlier_codebook</c>.</summary>
    public long[]? OutlierCodebook { get; init; }

    /// <summary>Sizes of <c>permutation</c>.</summary>
    public long[]? Permutation { get; init; }

    /// <summary>Sizes of <c>scale</c>.</summary>
    public long[]? Scale { get; init; }

    /// <summary>Sizes of <c>offset</c>.</summary>
    public long[]? Offset { get; init; }

    /// <summary>Sizes of <c>bias</c>.</summary>
    public long[]? Bias { get; init; }
}
