namespace OnnxEff.Compression;

/// <summary>
/// What is to be quantised, in the space in which a codebook serves all matrices: W' = W / (r·sᵀ) with scales r of rows and s of columns, and the second
/// moment that belongs to it, H' = diag(s)·H·diag(s), damped. Blocks of v neighbouring columns stand in descending order of importance: the first are
/// quantised while most is left to make up for their error. The order is that of the work only, so that nothing of it has to be stored.
/// </summary>
sealed class ScaledProblem
{
    /// <summary>N.</summary>
    public required int Rows { get; init; }

    /// <summary>K, rounded up to whole blocks.</summary>
    public required int Columns { get; init; }

    /// <summary>v.</summary>
    public required int Length { get; init; }

    /// <summary>The block of each place in the order of the work.</summary>
    public required int[] Order { get; init; }

    /// <summary>W', tiles [K, 32], columns in the order of the work.</summary>
    public required float[] Tiles { get; init; }

    /// <summary>H' [K, K] in the order of the work.</summary>
    public required float[] Moment { get; init; }

    /// <summary>F [K, K]: what an error of an earlier column asks of a later one, M_ij·M_jj⁻¹ where H' = M·Mᵀ.</summary>
    public required float[] Feedback { get; init; }

    /// <summary>M_jj of each block: the metric of an error that later columns make up for.</summary>
    public required float[] Metrics { get; init; }

    /// <summary>R of each block with R·Rᵀ = H'_jj: the metric of an error when all other columns stay.</summary>
    public required float[] OwnMetrics { get; init; }

    /// <summary>H'_jj⁻¹ of each block.</summary>
    public required float[] OwnInverses { get; init; }

    /// <summary>The weight of each row in the loss over all matrices; rows of padding have none.</summary>
    public required float[] RowWeights { get; init; }

    /// <summary>Blocks of columns.</summary>
    public int Blocks => Columns / Length;

    /// <summary>Tiles of 32 rows.</summary>
    public int TileCount => RowTile.Count(Rows);

    /// <summary>W' of a tile.</summary>
    public ReadOnlySpan<float> Tile(int tile) => Tiles.AsSpan(tile * Columns * RowTile.Rows, Columns * RowTile.Rows);

    /// <summary>States a problem.</summary>
    /// <param name="weight">W' [N, K], row-major, in stored order.</param>
    /// <param name="rows">N.</param>
    /// <param name="columns">K.</param>
    /// <param name="length">v.</param>
    /// <param name="moment">H [K, K] of the inputs.</param>
    /// <param name="columnScale">s.</param>
    /// <param name="rowWeights">Of each row.</param>
    /// <param name="damping">Added to the diagonal of H', by its mean.</param>
    public static ScaledProblem Of(ReadOnlySpan<float> weight, int rows, int columns, int length, ReadOnlySpan<float> moment, ReadOnlySpan<float> columnScale,
        ReadOnlySpan<float> rowWeights, double damping)
    {
        var blocks = (columns + length - 1) / length;
        var padded = blocks * length;
        var scaled = Scaled(moment, columnScale, columns, padded, damping, out var unit);
        var order = ByImportance(scaled, blocks, length);
        var inOrder = InOrder(scaled, order, length);
        var factor = Cholesky.Upper(inOrder, padded)
            ?? throw new InvalidDataException("The second moment of a product's inputs is not positive definite, although it is damped.");
        var weights = new float[RowTile.Count(rows) * RowTile.Rows];
        for (var row = 0; row < rows; row++) weights[row] = (float)(rowWeights[row] * unit);
        var (metrics, feedback) = Feedbacks(factor, blocks, length);
        var (own, inverses) = Own(inOrder, blocks, length);
        return new()
        {
            Rows = rows,
            Columns = padded,
            Length = length,
            Order = order,
            Tiles = RowTile.Of(InOrder(weight, rows, columns, order, length), rows, padded),
            Moment = inOrder,
            Feedback = feedback,
            Metrics = metrics,
            OwnMetrics = own,
            OwnInverses = inverses,
            RowWeights = weights,
        };
    }

    static float[] Scaled(ReadOnlySpan<float> moment, ReadOnlySpan<float> scale, int columns, int padded, double damping, out double unit)
    {
        double trace = 0;
        for (var i = 0; i < columns; i++) trace += (double)moment[i * columns + i] * scale[i] * scale[i];
        unit = trace > 0 ? trace / columns : 1;
        var scaled = new float[padded * padded];
        for (var i = 0; i < columns; i++)
            for (var j = 0; j < columns; j++) scaled[i * padded + j] = (float)(moment[i * columns + j] / unit * scale[i] * scale[j]);
        for (var i = 0; i < padded; i++) scaled[i * padded + i] += (float)damping;
        return scaled;
    }

    static int[] ByImportance(float[] moment, int blocks, int length)
    {
        var importance = new double[blocks];
        for (var i = 0; i < blocks * length; i++) importance[i / length] += moment[i * blocks * length + i];
        return [.. Enumerable.Range(0, blocks).OrderByDescending(block => importance[block])];
    }

    static float[] InOrder(float[] symmetric, int[] order, int length)
    {
        var n = order.Length * length;
        var sorted = new float[n * n];
        Workers.For(0, n, i =>
        {
            var row = symmetric.AsSpan((order[i / length] * length + i % length) * n, n);
            for (var block = 0; block < order.Length; block++)
                row.Slice(order[block] * length, length).CopyTo(sorted.AsSpan(i * n + block * length));
        });
        return sorted;
    }

    static float[] InOrder(ReadOnlySpan<float> weight, int rows, int columns, int[] order, int length)
    {
        var padded = order.Length * length;
        var sorted = new float[rows * padded];
        for (var row = 0; row < rows; row++)
            for (var block = 0; block < order.Length; block++)
            {
                var first = order[block] * length;
                weight.Slice(row * columns + first, Math.Min(length, columns - first)).CopyTo(sorted.AsSpan(row * padded + block * length));
            }
        return sorted;
    }

    static (float[] Metrics, float[] Feedback) Feedbacks(double[] factor, int blocks, int length)
    {
        var n = blocks * length;
        var (metrics, feedback) = (new float[blocks * length * length], new float[n * n]);
        Workers.For(0, n, i =>
        {
            for (var block = i / length; block < blocks; block++)
            {
                var first = block * length;
                if (block == i / length)
                {
                    for (var t = 0; t < length; t++) metrics[first * length + (i - first) * length + t] = (float)factor[i * n + first + t];
                    continue;
                }
                for (var t = 0; t < length; t++) // x·M_jj = M_ij, from the left since M_jj is upper triangular
                {
                    var rest = factor[i * n + first + t];
                    for (var s = 0; s < t; s++) rest -= feedback[i * n + first + s] * factor[(first + s) * n + first + t];
                    feedback[i * n + first + t] = (float)(rest / factor[(first + t) * n + first + t]);
                }
            }
        });
        return (metrics, feedback);
    }

    static (float[] Metrics, float[] Inverses) Own(float[] moment, int blocks, int length)
    {
        var n = blocks * length;
        var (metrics, inverses) = (new float[blocks * length * length], new float[blocks * length * length]);
        Workers.For(0, blocks, block =>
        {
            var own = new float[length * length];
            for (var i = 0; i < length; i++) moment.AsSpan((block * length + i) * n + block * length, length).CopyTo(own.AsSpan(i * length));
            var lower = Array.ConvertAll(own, h => (double)h);
            Cholesky.FactorLower(lower, length);
            Array.ConvertAll(Cholesky.Upper(own, length)!, m => (float)m).CopyTo(metrics, block * length * length);
            var column = new double[length];
            for (var j = 0; j < length; j++)
            {
                Array.Clear(column);
                column[j] = 1;
                Cholesky.Solve(lower, length, column);
                for (var i = 0; i < length; i++) inverses[(block * length + i) * length + j] = (float)column[i];
            }
        });
        return (metrics, inverses);
    }
}
