using OnnxEff.Formats;
using OnnxEff.Ir;
using static OnnxEff.Ops.Sizes;

namespace OnnxEff.Ops;

/// <summary>The product with a weight of vectors along the inputs (<see cref="VqInputCodes"/>), which kernels compute by table lookup.</summary>
public static partial class VqMatMul
{
    /// <summary>The declaration.</summary>
    public static OperatorSchema Schema { get; } = new("VqMatMul", Since: 1,
        "input · Wᵀ + bias for a weight W [N, K] whose rows are cut into vectors of v = 2 or 4 stored columns, each the index of one of k = 16, 64 or 256 centroids. " +
        "Stored column j belongs to input i = permutation[j], and W[o, i] = row_scale[o] · column_scale[i] · codebook[code(o, j div v)][j mod v], plus value e where " +
        "outlier_rows[e] = o and outlier_inputs[e] = i; the last vector's components behind K are dropped. A code has b = log2(k) bits. Row o is row r = o mod 64 of tile o div 64, " +
        "and its codes stand at place p = 2·(r mod 32) + r div 32 of the tile's groups. Groups lie in units of u: four with 4 bits, else one; those behind K are 0. A unit is, with 4 bits, " +
        "byte 64·h + 16·g + i = code(g, 32·h + i) | code(g, 32·h + 16 + i) << 4 for i < 16; with 6 bits, byte i = low(i) | low(i + 32) << 4 of the codes' low 4 bits for i < 32, " +
        "then byte i with bits 4 and 5 of codes i, i + 16, i + 32 and i + 48 for i < 16, the first lowest; with 8 bits, byte i = code(i). " +
        "Up to 16 rows of input are multiplied by lookup in tables of what centroids and inputs make; more meet decoded weights; both as exact as accuracy_level says. " +
        "A row of input that is not finite makes NaN.")
    {
        Types =
        [
            new("T", ElementType.Float32, ElementType.Float16),
            new("B", ElementType.UInt8),
            new("H", ElementType.Float16),
            new("I", ElementType.UInt16, ElementType.Int32),
        ],
        Inputs =
        [
            new("input", "T", "..., K", "Activations."),
            new("codes", "B", "ceil(N/64), ceil(K/v/u), 8·b·u", "Tiles of 64 rows, and in a tile one unit of groups of v columns after the other."),
            new("codebook", "H", "k, v", "Centroids."),
            new("column_scale", "H", "K", "Factor of each input's weights.", Optional: true),
            new("row_scale", "H", "N", "Factor of each output's weights.", Optional: true),
            new("permutation", "I", "K", "Input of each stored column; left out where that is its own number.", Optional: true),
            new("outlier_rows", "I", "E", "Row of each single weight that is added, never less than the one before.", Optional: true),
            new("outlier_inputs", "I", "E", "Its input.", Optional: true),
            new("outlier_values", "H", "E", "What it adds, not scaled.", Optional: true),
            new("bias", "T", "N", "Added to the product.", Optional: true),
        ],
        Outputs = [new("output", "T", "..., N", "input · Wᵀ + bias.")],
        Attributes =
        [
            new("K", ElementType.Int64, null, "Inputs of the layer."),
            new("N", ElementType.Int64, null, "Outputs of the layer."),
            new(AccuracyLevel.Name, ElementType.Int64, AccuracyLevel.Full, "Exactness of a table's numbers. 4: one byte, with one scale for 64 vectors; each is at most 1/200 of the largest of those 64 vectors off, " +
                "outputs of random weights about 1e-2 of their size. 0: two bytes; 1/64516 and about 1e-4. And of products with more than 16 rows of input. " + AccuracyLevel.ManyRows + " 0: fp32."),
        ],
    };

    /// <summary>A layer's tensors in the order of the inputs behind the first, with their names; null where the layer has none.</summary>
    public static (string Name, Tensor? Tensor)[] Tensors(VqInputCodes codes) =>
    [
        ("codes", codes.Codes), ("codebook", codes.Codebook), ("column_scale", codes.ColumnScale), ("row_scale", codes.RowScale), ("permutation", codes.Permutation),
        ("outlier_rows", codes.OutlierRows), ("outlier_inputs", codes.OutlierInputs), ("outlier_values", codes.OutlierValues), ("bias", codes.Bias),
    ];

    /// <summary>The layout that the sizes of a call's tensors mean, after every check.</summary>
    /// <param name="inputs">The attribute K.</param>
    /// <param name="outputs">The attribute N.</param>
    /// <param name="x">Sizes of the inputs.</param>
    /// <param name="refusal">Why they mean nothing, null on success.</param>
    public static VqInputLayout? Layout(int inputs, int outputs, VqShapes x, out string? refusal)
    {
        refusal = Refuse("input", x.Input, [.. x.Input is [.. var head, _] ? head : [], inputs])
            ?? (x.Codebook is not [>= 0 and <= int.MaxValue, >= 0 and <= int.MaxValue] ? $"codebook is {Text(x.Codebook)}, not [k, v]." : null);
        if (refusal is not null) return null;
        var layout = new VqInputLayout(outputs, inputs, (int)x.Codebook[1], (int)x.Codebook[0]);
        refusal = layout.Refusal() is { } sizes ? $"{sizes}."
            : Refuse("codes", x.Codes, [layout.Tiles, layout.Units, layout.UnitBytes])
            ?? Refuse("column_scale", x.ColumnScale, [inputs]) ?? Refuse("row_scale", x.RowScale, [outputs])
            ?? Refuse("permutation", x.Permutation, [inputs]) ?? RefuseOutliers(x) ?? Refuse("bias", x.Bias, [outputs]);
        return refusal is null ? layout : null;
    }

    static string? RefuseOutliers(VqShapes x) => (x.OutlierRows, x.OutlierInputs, x.OutlierValues) switch
    {
        (null, null, null) => null,
        ([var rows], [var inputs], [var values]) when rows == inputs && rows == values => null,
        ({ } rows, { } inputs, { } values) => $"outlier_rows, outlier_inputs and outlier_values are {Text(rows)}, {Text(inputs)} and {Text(values)}, not [E] each.",
        _ => "outlier_rows, outlier_inputs and outlier_values go together.",
    };
}

/// <summary>Sizes of the inputs of a <see cref="VqMatMul"/> call; null where the node leaves one out.</summary>
/// <param name="Input">Sizes of <c>input</c>.</param>
/// <param name="Codes">Sizes of <c>codes</c>.</param>
/// <param name="Codebook">Sizes of <c>codebook</c>.</param>
public sealed record VqShapes(long[] Input, long[] Codes, long[] Codebook)
{
    /// <summary>Sizes of <c>column_scale</c>.</summary>
    public long[]? ColumnScale { get; init; }

    /// <summary>Sizes of <c>row_scale</c>.</summary>
    public long[]? RowScale { get; init; }

    /// <summary>Sizes of <c>permutation</c>.</summary>
    public long[]? Permutation { get; init; }

    /// <summary>Sizes of <c>outlier_rows</c>.</summary>
    public long[]? OutlierRows { get; init; }

    /// <summary>Sizes of <c>outlier_inputs</c>.</summary>
    public long[]? OutlierInputs { get; init; }

    /// <summary>Sizes of <c>outlier_values</c>.</summary>
    public long[]? OutlierValues { get; init; }

    /// <summary>Sizes of <c>bias</c>.</summary>
    public long[]? Bias { get; init; }
}
