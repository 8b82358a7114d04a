namespace OnnxEff.Compression;

/// <summary>
/// A first codebook: weighted k-means on a sample of the vectors of all matrices, seeded by k-means++. The weight of a vector is its block's share of its
/// matrix's output energy (compression-papers 1.1 step F).
/// </summary>
static class CodebookSeed
{
    const int Sample = 1 << 15, Iterations = 12;

    /// <summary>Vectors of the same length with their weights, in tiles [v, 32].</summary>
    sealed record Vectors(float[] Tiles, double[] Weights, int Length)
    {
        public int Count => Weights.Length;

        public float At(int vector, int t) => Tiles[(vector / RowTile.Rows * Length + t) * RowTile.Rows + vector % RowTile.Rows];
    }

    /// <summary>k centroids; the same ones for the same seed.</summary>
    public static Codebook Of(IReadOnlyList<ScaledProblem> problems, int centroids, int seed)
    {
        var random = new Random(seed);
        var vectors = Draw(problems, random);
        var values = PlusPlus(vectors, centroids, random);
        var codes = new int[vectors.Count];
        for (var i = 0; i < Iterations; i++)
        {
            Assign(vectors, values, codes);
            Move(vectors, values, codes);
        }
        return Codebook.Rounded(vectors.Length, Array.ConvertAll(values, v => (double)v));
    }

    static Vectors Draw(IReadOnlyList<ScaledProblem> problems, Random random)
    {
        var v = problems[0].Length;
        var total = problems.Sum(p => (long)p.Rows * p.Blocks);
        var (tiles, weights) = (new float[Sample * v], new double[Sample]);
        for (var i = 0; i < Sample; i++)
        {
            var at = random.NextInt64(total);
            var problem = problems[0];
            foreach (var next in problems)
            {
                problem = next;
                if (at < (long)next.Rows * next.Blocks) break;
                at -= (long)next.Rows * next.Blocks;
            }
            var (row, block) = ((int)(at / problem.Blocks), (int)(at % problem.Blocks));
            var tile = problem.Tile(row / RowTile.Rows);
            for (var t = 0; t < v; t++)
            {
                tiles[(i / RowTile.Rows * v + t) * RowTile.Rows + i % RowTile.Rows] = tile[(block * v + t) * RowTile.Rows + row % RowTile.Rows];
                weights[i] += problem.Moment[(block * v + t) * (problem.Columns + 1)];
            }
            weights[i] *= problem.RowWeights[row];
        }
        return new(tiles, weights, v);
    }

    /// <summary>Each next centroid a vector, drawn by its weight times its squared distance to the nearest so far.</summary>
    static float[] PlusPlus(Vectors vectors, int centroids, Random random)
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
                for (var t = 0; t < v; t++) distance += Math.Pow(vectors.At(i, t) - values[c * v + t], 2);
                distances[i] = c == 0 ? distance : Math.Min(distances[i], distance);
            }
        }
        return values;
    }

    static void Assign(Vectors vectors, float[] values, int[] codes)
    {
        var tables = CentroidTables.Plain(values, vectors.Length);
        var size = vectors.Length * RowTile.Rows;
        Parallel.For(0, vectors.Count / RowTile.Rows, tile =>
            tables.Nearest(0, vectors.Tiles.AsSpan(tile * size, size), codes.AsSpan(tile * RowTile.Rows, RowTile.Rows)));
    }

    static void Move(Vectors vectors, float[] values, int[] codes)
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
