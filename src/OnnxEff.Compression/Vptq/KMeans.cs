namespace OnnxEff.Compression;

/// <summary>Vectors of one length with their weights.</summary>
/// <param name="Tiles">Tiles [v, 32].</param>
/// <param name="Weights">One for each vector; their number is a multiple of 32.</param>
/// <param name="Length">v.</param>
sealed record WeightedVectors(float[] Tiles, double[] Weights, int Length)
{
    /// <summary>Room for so many vectors.</summary>
    public static WeightedVectors Empty(int count, int length) => new(new float[count * length], new double[count], length);

    /// <summary>Vectors.</summary>
    public int Count => Weights.Length;

    /// <summary>A component.</summary>
    public ref float At(int vector, int t) => ref Tiles[(vector / RowTile.Rows * Length + t) * RowTile.Rows + vector % RowTile.Rows];
}

/// <summary>Weighted k-means, seeded by k-means++ (compression-papers 1.1 step F).</summary>
static class KMeans
{
    const int Iterations = 12;

    /// <summary>k centroids; the same ones for the same random numbers.</summary>
    public static Codebook Fit(WeightedVectors vectors, int centroids, Random random)
    {
        var values = PlusPlus(vectors, centroids, random);
        for (var i = 0; i < Iterations; i++) Move(vectors, values, Assign(vectors, values));
        return Codebook.Rounded(vectors.Length, Array.ConvertAll(values, v => (double)v));
    }

    /// <summary>The nearest centroid of each vector.</summary>
    public static int[] Assign(WeightedVectors vectors, float[] values)
    {
        var codes = new int[vectors.Count];
        var tables = CentroidTables.Plain(values, vectors.Length);
        var size = vectors.Length * RowTile.Rows;
        Workers.For(0, vectors.Count / RowTile.Rows, tile =>
            tables.Nearest(0, vectors.Tiles.AsSpan(tile * size, size), codes.AsSpan(tile * RowTile.Rows, RowTile.Rows)));
        return codes;
    }

    /// <summary>Each next centroid a vector, drawn by its weight times its squared distance to the nearest so far.</summary>
    static float[] PlusPlus(WeightedVectors vectors, int centroids, Random random)
    {
        var v = vectors.Length;
        var values = new float[centroids * v];
        var distances = new double[vectors.Count];
        Array.Fill(distances, 1);
        for (var c = 0; c < centroids; c++)
        {
            double total = 0;
            for (var i = 0; i < distances.Length; i++) total += vectors.Weights[i] * distances[i];
            var (at, chosen) = (random.NextDouble() * total, 0);
            for (; chosen < distances.Length - 1 && (at -= vectors.Weights[chosen] * distances[chosen]) > 0; chosen++) { }
            for (var t = 0; t < v; t++) values[c * v + t] = vectors.At(chosen, t);
            for (var i = 0; i < distances.Length; i++)
            {
                double distance = 0;
                for (var t = 0; t < v; t++) distance += (vectors.At(i, t) - values[c * v + t]) * (vectors.At(i, t) - values[c * v + t]);
                distances[i] = c == 0 ? distance : Math.Min(distances[i], distance);
            }
        }
        return values;
    }

    static void Move(WeightedVectors vectors, float[] values, int[] codes)
    {
        var v = vectors.Length;
        var (sums, weights) = (new double[values.Length], new double[values.Length / v]);
        for (var i = 0; i < codes.Length; i++)
        {
            weights[codes[i]] += vectors.Weights[i];
            for (var t = 0; t < v; t++) sums[codes[i] * v + t] += vectors.Weights[i] * vectors.At(i, t);
        }
        for (var i = 0; i < values.Length; i++)
            if (weights[i / v] > 0) values[i] = (float)(sums[i] / weights[i / v]);
    }
}
