using System.Numerics;
using OnnxEff.Formats;
using OnnxEff.Ir;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>What a weight says once for all calls.</summary>
/// <param name="Layout">Its sizes.</param>
/// <param name="Codebook">Its centroids.</param>
/// <param name="OutlierStarts">The first outlier of each tile, then how many there are.</param>
public sealed record VqWeight(VqInputLayout Layout, VqCodebook Codebook, int[] OutlierStarts)
{
    /// <summary>Reads what calls want of a weight.</summary>
    /// <param name="layout">Sizes.</param>
    /// <param name="codebook">[k, v]</param>
    /// <param name="outlierRows">The sorted rows of the outliers, int32 or uint16, or absent.</param>
    internal static unsafe VqWeight Of(VqInputLayout layout, TensorPointer codebook, TensorPointer outlierRows) => new(layout, new(layout, (Half*)codebook.Data),
        outlierRows.Dims is null ? new int[layout.Tiles + 1] : outlierRows.Kind == ElementType.UInt16 ? Starts(layout, outlierRows.Span<ushort>()) : Starts(layout, outlierRows.Span<int>()));

    static int[] Starts<TIndex>(VqInputLayout layout, ReadOnlySpan<TIndex> rows) where TIndex : unmanaged, IBinaryInteger<TIndex>
    {
        var starts = new int[layout.Tiles + 1];
        foreach (TIndex row in rows) starts[int.CreateTruncating(row) / VqInputLayout.TileRows + 1]++;
        for (int tile = 0; tile < layout.Tiles; tile++) starts[tile + 1] += starts[tile];
        return starts;
    }
}
