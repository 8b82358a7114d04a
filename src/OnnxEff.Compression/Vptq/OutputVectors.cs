using System.Runtime.Intrinsics;

namespace OnnxEff.Compression;

/// <summary>
/// The public VPTQ layout's rounding: in one column, eight neighbouring outputs are a main centroid plus a residual one. All rows of a column have the same
/// metric, so the nearest centroid is the best; several main candidates are tried with their best residual. A tile's 32 rows are four vectors, whose
/// main and residual codes are the first eight bytes of the block's.
/// </summary>
/// <param name="main">[k, 8].</param>
/// <param name="residual">[k2, 8].</param>
sealed class OutputVectors(Codebook main, Codebook residual) : TileRounding
{
    /// <summary>v.</summary>
    public const int Length = 8;

    /// <summary>Vectors of a tile.</summary>
    public const int PerTile = RowTile.Rows / Length;
    const int Candidates = 4;

    readonly float[] _mainNorms = Norms(main), _residualNorms = Norms(residual);

    /// <inheritdoc/>
    public override void ChooseAhead(int tile, int block, ReadOnlySpan<float> target, Span<byte> codes)
    {
        Span<int> best = stackalloc int[Candidates];
        Span<float> rest = stackalloc float[Length];
        Span<int> second = stackalloc int[1];
        for (var vector = 0; vector < PerTile; vector++)
        {
            var x = target.Slice(vector * Length, Length);
            Nearest(main, _mainNorms, x, best);
            var least = float.PositiveInfinity;
            foreach (var candidate in best)
            {
                for (var t = 0; t < Length; t++) rest[t] = x[t] - main.Values[candidate * Length + t];
                Nearest(residual, _residualNorms, rest, second);
                float distance = 0;
                for (var t = 0; t < Length; t++) distance += (rest[t] - residual.Values[second[0] * Length + t]) * (rest[t] - residual.Values[second[0] * Length + t]);
                if (distance >= least) continue;
                least = distance;
                (codes[vector], codes[PerTile + vector]) = ((byte)candidate, (byte)second[0]);
            }
        }
    }

    /// <inheritdoc/>
    public override void Decode(int tile, int block, ReadOnlySpan<byte> codes, Span<float> values)
    {
        for (var row = 0; row < RowTile.Rows; row++)
            values[row] = main.Values[codes[row / Length] * Length + row % Length] + residual.Values[codes[PerTile + row / Length] * Length + row % Length];
    }

    /// <summary>The nearest centroids, the nearest first.</summary>
    static void Nearest(Codebook codebook, float[] norms, ReadOnlySpan<float> x, Span<int> best)
    {
        Span<float> distances = stackalloc float[best.Length];
        distances.Fill(float.PositiveInfinity);
        var values = codebook.Values;
        for (var c = 0; c < norms.Length; c++)
        {
            var distance = norms[c];
            for (var t = 0; t < Length; t += Vector128<float>.Count) // Eight floats are two registers that every processor has.
                distance -= Vector128.Dot(Vector128.Create(x[t..]), Vector128.Create(values.AsSpan(c * Length + t)));
            if (distance >= distances[^1]) continue;
            var place = distances.Length - 1;
            for (; place > 0 && distances[place - 1] > distance; place--) (distances[place], best[place]) = (distances[place - 1], best[place - 1]);
            (distances[place], best[place]) = (distance, c);
        }
    }

    static float[] Norms(Codebook codebook)
    {
        var norms = new float[codebook.Centroids];
        for (var i = 0; i < codebook.Values.Length; i++) norms[i / codebook.Length] += codebook.Values[i] * codebook.Values[i] / 2;
        return norms;
    }
}
