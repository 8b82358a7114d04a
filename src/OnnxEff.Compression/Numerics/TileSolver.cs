namespace OnnxEff.Compression;

/// <summary>Solves X·(L·Lᵀ) = B for the 32 rows of a tile at once, with the factor in fp32: for right sides of which few digits matter.</summary>
sealed class TileSolver
{
    const int Group = 32; // Columns that are solved before what they mean for all others is added.

    readonly float[] _lower, _upper; // −L and −Lᵀ, so that both ways read rows, and what is known is taken away by adding.
    readonly int _columns;

    TileSolver(float[] lower, float[] upper, int columns) => (_lower, _upper, _columns) = (lower, upper, columns);

    /// <summary>A solver.</summary>
    /// <param name="factor">L [K, K], of which the lower triangle counts.</param>
    /// <param name="columns">K.</param>
    public static TileSolver Of(double[] factor, int columns)
    {
        var (lower, upper) = (new float[columns * columns], new float[columns * columns]);
        for (var i = 0; i < columns; i++)
            for (var j = 0; j <= i; j++) lower[i * columns + j] = upper[j * columns + i] = -(float)factor[i * columns + j];
        return new(lower, upper, columns);
    }

    /// <summary>Replaces B [K, 32] by X.</summary>
    public void Solve(Span<float> tile)
    {
        Span<int> known = stackalloc int[Group];
        for (var first = 0; first < _columns; first += Group)
        {
            var end = Math.Min(first + Group, _columns);
            for (var j = first; j < end; j++) Finish(tile, _upper, j, j + 1, end);
            Take(tile, _upper, Columns(known, first, end), end, _columns);
        }
        for (var end = _columns; end > 0; end = (end - 1) / Group * Group)
        {
            var first = (end - 1) / Group * Group;
            for (var j = end - 1; j >= first; j--) Finish(tile, _lower, j, first, j);
            Take(tile, _lower, Columns(known, first, end), 0, first);
        }
    }

    /// <summary>Divides column j, which then is known, and takes it from others of its group.</summary>
    void Finish(Span<float> tile, float[] factor, int j, int first, int end)
    {
        var column = tile.Slice(j * RowTile.Rows, RowTile.Rows);
        var by = -1 / factor[j * _columns + j];
        for (var row = 0; row < RowTile.Rows; row++) column[row] *= by;
        if (first < end) RowTile.Add(tile, column, factor.AsSpan(j * _columns), _columns, first, end);
    }

    void Take(Span<float> tile, float[] factor, ReadOnlySpan<int> known, int first, int end) =>
        RowTile.AddMany(tile, tile[(known[0] * RowTile.Rows)..], known, factor, _columns, first, end);

    static ReadOnlySpan<int> Columns(Span<int> known, int first, int end)
    {
        for (var t = first; t < end; t++) known[t - first] = t;
        return known[..(end - first)];
    }
}
