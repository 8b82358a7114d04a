using OnnxEff.Formats;
using OnnxEff.Ir;

namespace OnnxEff.Ops;

/// <summary>Rows of a table of affine blocks (<see cref="AffineBlocks"/>): an embedding, which <see cref="AffineMatMul"/> may multiply with as well.</summary>
public static class AffineGather
{
    /// <summary>The declaration.</summary>
    public static OperatorSchema Schema { get; } = new("AffineGather", Since: 1,
        "output[..., k] = W[indices[...], k] for a table W [N, K] on a grid for each block of 32 columns. " + AffineMatMul.Units)
    {
        Types = [new("T", ElementType.Float32), new("I", ElementType.Int64, ElementType.Int32), new("B", ElementType.UInt8)],
        Inputs =
        [
            new("table", "B", "ceil(N/16), ceil(K/32), unit", "Tiles of 16 rows, and in a tile one block of columns after the other."),
            new("indices", "I", "...", "Numbers of rows; negative ones count from the end."),
        ],
        Outputs = [new("output", "T", "..., K", "The rows.")],
        Attributes = [new("K", ElementType.Int64, null, "Columns of the table."), new("N", ElementType.Int64, null, "Rows of the table.")],
    };

    /// <summary>The layout that the sizes of a call's table mean, after every check.</summary>
    /// <param name="columns">The attribute K.</param>
    /// <param name="rows">The attribute N.</param>
    /// <param name="table">Sizes of <c>table</c>.</param>
    /// <param name="refusal">Why they mean nothing, null on success.</param>
    public static AffineBlockLayout? Layout(int columns, int rows, long[] table, out string? refusal) => AffineMatMul.WeightLayout(columns, rows, table, out refusal);
}
