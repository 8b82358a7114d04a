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
    const int Lanes = 4; // Of a Vector128, which every processor has.
    const int Entry = (1 + Length) * Lanes; // Of as many centroids: half their squares, then component by component.

    readonly float[] _mains = Entries(main);
    readonly CentroidTables _residuals = CentroidTables.Plain(residual.Values, Length);

    /// <inheritdoc/>
    public override void ChooseAhead(int tile, int block, ReadOnlySpan<float> target, Span<byte> codes)
    {
        Span<int> mains = stackalloc int[PerTile * Candidates], seconds = stackalloc int[RowTile.Rows];
        Span<float> rests = stackalloc float[Length * RowTile.Rows]; // What candidates leave, side by side; there are fewer than rows.
        rests.Clear();
        for (var i = 0; i < mains.Length; i++)
        {
            var vector = i / Candidates;
            if (i % Candidates == 0) Nearest(_mains, target.Slice(vector * Length, Length), mains.Slice(i, Candidates));
            for (var t = 0; t < Length; t++) rests[t * RowTile.Rows + i] = target[vector * Length + t] - main.Values[mains[i] * Length + t];
        }
        _residuals.Nearest(0, rests, seconds);
        for (var vector = 0; vector < PerTile; vector++)
        {
            var least = float.PositiveInfinity;
            for (var i = vector * Candidates; i < (vector + 1) * Candidates; i++)
            {
                float distance = 0;
                for (var t = 0; t < Length; t++)
                {
                    var left = rests[t * RowTile.Rows + i] - residual.Values[seconds[i] * Length + t];
                    distance += left * left;
                }
                if (distance >= least) continue;
                least = distance;
                (codes[vector], codes[PerTile + vector]) = ((byte)mains[i], (byte)seconds[i]);
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
    static void Nearest(ReadOnlySpan<float> entries, ReadOnlySpan<float> x, Span<int> best)
    {
        Span<float> distances = stackalloc float[best.Length];
        distances.Fill(float.PositiveInfinity);
        for (var first = 0; first < entries.Length; first += Entry)
        {
            var entry = entries.Slice(first, Entry);
            var four = Vector128.Create(entry);
            for (var t = 0; t < Length; t++) four -= Vector128.Create(x[t]) * Vector128.Create(entry[(Lanes * (1 + t))..]);
            if (!Vector128.LessThanAny(four, Vector128.Create(distances[^1]))) continue;
            for (var lane = 0; lane < Lanes; lane++)
            {
                if (four[lane] >= distances[^1]) continue;
                var place = distances.Length - 1;
                for (; place > 0 && distances[place - 1] > four[lane]; place--) (distances[place], best[place]) = (distances[place - 1], best[place - 1]);
                (distances[place], best[place]) = (four[lane], Lanes * (first / Entry) + lane);
            }
        }
    }

    // Behind the last centroid there are some that are nearest to nothing.
    static float[] Entries(Codebook codebook)
    {
        var entries = new float[(codebook.Centroids + Lanes - 1) / Lanes * Entry];
        for (var c = 0; c < entries.Length / Entry * Lanes; c++)
        {
            var entry = entries.AsSpan(c / Lanes * Entry + c % Lanes);
            entry[0] = c < codebook.Centroids ? 0 : float.PositiveInfinity;
            for (var t = 0; t < Length && c < codebook.Centroids; t++)
            {
                var value = codebook.Values[c * Length + t];
                (entry[0], entry[Lanes * (1 + t)]) = (entry[0] + value * value / 2, value);
            }
        }
        return entries;
    }
}
