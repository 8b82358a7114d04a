namespace OnnxEff.Compression;

/// <summary>Vectors along the inputs: a block of one row becomes the centroid that is nearest in the block's metric.</summary>
sealed class CodebookRounding(ScaledProblem problem, Codebook codebook) : TileRounding
{
    readonly CentroidTables _ahead = CentroidTables.Of(codebook.Values, codebook.Length, problem.Metrics);
    readonly CentroidTables _alone = CentroidTables.Of(codebook.Values, codebook.Length, problem.OwnMetrics);

    /// <inheritdoc/>
    public override void ChooseAhead(int tile, int block, ReadOnlySpan<float> target, Span<byte> codes) => Choose(_ahead, problem.Metrics, block, target, codes);

    /// <inheritdoc/>
    public override void ChooseAlone(int tile, int block, ReadOnlySpan<float> target, Span<byte> codes) => Choose(_alone, problem.OwnMetrics, block, target, codes);

    /// <inheritdoc/>
    public override void Decode(int tile, int block, ReadOnlySpan<byte> codes, Span<float> values)
    {
        var v = codebook.Length;
        for (var row = 0; row < RowTile.Rows; row++)
            for (var t = 0; t < v; t++) values[t * RowTile.Rows + row] = codebook.Values[codes[row] * v + t];
    }

    static void Choose(CentroidTables tables, float[] metrics, int block, ReadOnlySpan<float> target, Span<byte> codes)
    {
        var v = target.Length / RowTile.Rows;
        Span<float> x = stackalloc float[target.Length];
        Span<int> nearest = stackalloc int[RowTile.Rows];
        var metric = metrics.AsSpan(block * v * v, v * v);
        x.Clear();
        for (var t = 0; t < v; t++)
            for (var s = 0; s <= t; s++) // upper triangular
                RowTile.AddScaled(x.Slice(t * RowTile.Rows, RowTile.Rows), target.Slice(s * RowTile.Rows, RowTile.Rows), metric[s * v + t]);
        tables.Nearest(block, x, nearest);
        for (var row = 0; row < RowTile.Rows; row++) codes[row] = (byte)nearest[row];
    }
}
