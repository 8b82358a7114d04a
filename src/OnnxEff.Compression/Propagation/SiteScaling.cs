namespace OnnxEff.Compression;

/// <summary>
/// The weights of a site's products as one matrix [N, K] in the space of codebooks: w'[o, i] = (w[o, i] − outlier(o, i)) / (r[o]·s[i]). Scales are what fp16
/// holds of root mean squares: of the columns alone, or of rows and then of columns (compression-papers 1.8 (h)).
/// </summary>
/// <param name="Site">The products.</param>
/// <param name="Weight">w, in order of the products.</param>
/// <param name="RowScale">r; null for ones.</param>
/// <param name="ColumnScale">s.</param>
/// <param name="Outliers">Places in <paramref name="Weight"/> that are kept apart, ascending.</param>
sealed record SiteScaling(LinearSite Site, float[] Weight, float[]? RowScale, float[] ColumnScale, int[] Outliers)
{
    const double OutlierLimit = 4.5; // Standard deviations, after scaling, from which a weight is one: of normal ones 7 in a million.
    const double RowScaleBits = 16;

    /// <summary>N.</summary>
    public int Rows => Site.Outputs;

    /// <summary>K.</summary>
    public int Columns => Site.Inputs;

    /// <summary>Scales a site.</summary>
    /// <param name="site">The products.</param>
    /// <param name="weight">Their weights, [N, K].</param>
    public static SiteScaling Of(LinearSite site, float[] weight)
    {
        var scaling = Of(site, weight, scalesRows: true);
        return RowGain(scaling.RowScale!) > RowScaleBits / site.Inputs ? scaling : Of(site, weight, scalesRows: false);
    }

    /// <summary>The same with scales of columns only, and nothing kept apart.</summary>
    public static SiteScaling ByColumns(LinearSite site, float[] weight) => Of(site, weight, scalesRows: false, double.PositiveInfinity);

    /// <summary>
    /// What a scale for each row is worth, in bits per weight: rows of one codebook that differ in power waste half the logarithm of the arithmetic over the
    /// geometric mean of it.
    /// </summary>
    static double RowGain(float[] scales) => (Math.Log2(scales.Average(s => (double)s * s)) - scales.Average(s => Math.Log2((double)s * s))) / 2;

    static SiteScaling Of(LinearSite site, float[] weight, bool scalesRows, double limit = OutlierLimit)
    {
        var (rows, columns) = (site.Outputs, site.Inputs);
        var outliers = new bool[weight.Length];
        float[]? rowScale = null;
        var columnScale = new float[columns];
        for (var pass = 0; pass < 2; pass++) // The second time without what the first found to stand out.
        {
            if (scalesRows) rowScale = RowScales(weight, outliers, rows, columns);
            columnScale = ColumnScales(weight, outliers, rowScale, rows, columns);
            Workers.For(0, rows, o =>
            {
                for (var (i, at) = (0, o * columns); i < columns; i++, at++) outliers[at] = Math.Abs(weight[at]) > limit * columnScale[i] * (rowScale?[o] ?? 1);
            });
        }
        return new(site, weight, rowScale, columnScale, [.. Enumerable.Range(0, weight.Length).Where(at => outliers[at])]);
    }

    /// <summary>w', with zeros for outliers.</summary>
    public float[] Scaled()
    {
        var scaled = new float[Weight.Length];
        for (var o = 0; o < Rows; o++)
            for (var i = 0; i < Columns; i++) scaled[o * Columns + i] = Weight[o * Columns + i] / (ColumnScale[i] * (RowScale?[o] ?? 1));
        foreach (var at in Outliers) scaled[at] = 0;
        return scaled;
    }

    /// <summary>The weight of each row in a loss over all matrices: r² / the energy of its product's outputs, tr(W·H·Wᵀ).</summary>
    /// <param name="moment">H.</param>
    public float[] RowWeights(float[] moment)
    {
        var tiles = RowTile.Of(Weight, Rows, Columns);
        var energies = new double[Rows];
        Workers.For(RowTile.Count(Rows), () => new float[Columns * RowTile.Rows], (tile, product) =>
        {
            var part = tiles.AsSpan(tile * Columns * RowTile.Rows, Columns * RowTile.Rows);
            RowTile.Multiply(part, moment, Columns, product);
            for (var at = 0; at < part.Length; at++)
                if (tile * RowTile.Rows + at % RowTile.Rows is var row && row < Rows) energies[row] += (double)part[at] * product[at];
        });
        var (weights, first) = (new float[Rows], 0);
        foreach (var linear in Site.Linears)
        {
            double energy = 0;
            for (var o = first; o < first + linear.Outputs; o++) energy += energies[o];
            for (var o = first; o < first + linear.Outputs; o++) weights[o] = energy > 0 ? (float)(Math.Pow(RowScale?[o] ?? 1, 2) / energy) : 0;
            first += linear.Outputs;
        }
        return weights;
    }

    static float[] RowScales(float[] weight, bool[] outliers, int rows, int columns)
    {
        var scales = new float[rows];
        Workers.For(0, rows, o =>
        {
            var (sum, seen) = (0.0, 0);
            for (var at = o * columns; at < (o + 1) * columns; at++)
                if (!outliers[at]) (sum, seen) = (sum + (double)weight[at] * weight[at], seen + 1);
            scales[o] = RootMeanSquare(sum, seen);
        });
        return scales;
    }

    static float[] ColumnScales(float[] weight, bool[] outliers, float[]? rowScale, int rows, int columns)
    {
        const int Strip = 64; // Columns that one thread takes at a time, row by row.
        var scales = new float[columns];
        Workers.For(0, (columns + Strip - 1) / Strip, strip =>
        {
            var first = strip * Strip;
            var count = Math.Min(Strip, columns - first);
            var (sums, seen) = (new double[count], new int[count]);
            for (var o = 0; o < rows; o++)
            {
                var scale = rowScale?[o] ?? 1;
                for (var i = 0; i < count; i++)
                {
                    var at = o * columns + first + i;
                    if (outliers[at]) continue;
                    var w = weight[at] / scale;
                    sums[i] += (double)w * w;
                    seen[i]++;
                }
            }
            for (var i = 0; i < count; i++) scales[first + i] = RootMeanSquare(sums[i], seen[i]);
        });
        return scales;
    }

    static float RootMeanSquare(double sum, int count)
    {
        var rounded = (float)(Half)Math.Sqrt(sum / Math.Max(count, 1));
        return rounded > 0 && float.IsFinite(rounded) ? rounded : 1; // A column of zeros is as good with any scale.
    }
}
