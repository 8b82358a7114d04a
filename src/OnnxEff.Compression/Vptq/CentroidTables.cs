using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace OnnxEff.Compression;

/// <summary>
/// A codebook as each block of columns sees it: its centroids times the block's metric R, so that the plain distance of w·R to them is the error that
/// choosing one causes. Of block b and centroid c: ½‖c·R‖², −c·R, v + 1 numbers.
/// </summary>
sealed class CentroidTables
{
    readonly float[] _tables;
    readonly int _centroids;
    readonly int _length;

    CentroidTables(float[] tables, int centroids, int length) => (_tables, _centroids, _length) = (tables, centroids, length);

    /// <summary>The tables of all blocks.</summary>
    /// <param name="codebook">[k, v].</param>
    /// <param name="length">v.</param>
    /// <param name="metrics">R of each block, [v, v], upper triangular.</param>
    public static CentroidTables Of(float[] codebook, int length, float[] metrics)
    {
        var (centroids, blocks, stride) = (codebook.Length / length, metrics.Length / (length * length), length + 1);
        var tables = new float[(long)blocks * centroids * stride];
        Workers.For(0, blocks, block =>
        {
            var metric = metrics.AsSpan(block * length * length, length * length);
            for (var c = 0; c < centroids; c++)
            {
                var entry = tables.AsSpan((block * centroids + c) * stride, stride);
                for (var t = 0; t < length; t++)
                {
                    float sum = 0;
                    for (var s = 0; s <= t; s++) sum += codebook[c * length + s] * metric[s * length + t];
                    entry[1 + t] = -sum;
                    entry[0] += sum * sum / 2;
                }
            }
        });
        return new(tables, centroids, length);
    }

    /// <summary>A table without a metric.</summary>
    public static CentroidTables Plain(float[] codebook, int length)
    {
        var identity = new float[length * length];
        for (var t = 0; t < length; t++) identity[t * length + t] = 1;
        return Of(codebook, length, identity);
    }

    /// <summary>The nearest centroid for each row of a tile; the first of equals.</summary>
    /// <param name="block">Whose table.</param>
    /// <param name="x">[v, 32]: vectors times the metric.</param>
    /// <param name="codes">32 indices.</param>
    public void Nearest(int block, ReadOnlySpan<float> x, Span<int> codes)
    {
        var table = _tables.AsSpan(block * _centroids * (_length + 1), _centroids * (_length + 1));
        if (TileFunctions.Exist)
        {
            TileFunctions.Nearest(table, _centroids, _length, x[..(_length * RowTile.Rows)], codes[..RowTile.Rows]);
            return;
        }
        for (var row = 0; row < RowTile.Rows; row += 2 * Vector<float>.Count)
        {
            switch (_length)
            {
                case 4: NearestOfFour(table, _centroids, x[row..], codes[row..]); break;
                case 2: NearestOfTwo(table, _centroids, x[row..], codes[row..]); break;
                default: NearestOf(table, _centroids, _length, x[row..], codes[row..]); break;
            }
        }
    }

    static void NearestOfFour(ReadOnlySpan<float> table, int centroids, ReadOnlySpan<float> rows, Span<int> codes)
    {
        ref var x = ref MemoryMarshal.GetReference(rows);
        ref var entry = ref MemoryMarshal.GetReference(table);
        var width = (nuint)Vector<float>.Count;
        var (a0, a1) = (Vector.LoadUnsafe(ref x), Vector.LoadUnsafe(ref x, width));
        var (b0, b1) = (Vector.LoadUnsafe(ref x, RowTile.Rows), Vector.LoadUnsafe(ref x, RowTile.Rows + width));
        var (c0, c1) = (Vector.LoadUnsafe(ref x, 2 * RowTile.Rows), Vector.LoadUnsafe(ref x, 2 * RowTile.Rows + width));
        var (d0, d1) = (Vector.LoadUnsafe(ref x, 3 * RowTile.Rows), Vector.LoadUnsafe(ref x, 3 * RowTile.Rows + width));
        Vector<float> best0 = new(float.PositiveInfinity), best1 = best0;
        Vector<int> index0 = default, index1 = default;
        for (nuint c = 0; c < (nuint)centroids; c++)
        {
            var half = new Vector<float>(Unsafe.Add(ref entry, c * 5));
            var a = new Vector<float>(Unsafe.Add(ref entry, c * 5 + 1));
            var (near0, near1) = (Vector.MultiplyAddEstimate(a0, a, half), Vector.MultiplyAddEstimate(a1, a, half));
            var b = new Vector<float>(Unsafe.Add(ref entry, c * 5 + 2));
            (near0, near1) = (Vector.MultiplyAddEstimate(b0, b, near0), Vector.MultiplyAddEstimate(b1, b, near1));
            var cc = new Vector<float>(Unsafe.Add(ref entry, c * 5 + 3));
            (near0, near1) = (Vector.MultiplyAddEstimate(c0, cc, near0), Vector.MultiplyAddEstimate(c1, cc, near1));
            var d = new Vector<float>(Unsafe.Add(ref entry, c * 5 + 4));
            (near0, near1) = (Vector.MultiplyAddEstimate(d0, d, near0), Vector.MultiplyAddEstimate(d1, d, near1));
            Take((int)c, near0, ref best0, ref index0);
            Take((int)c, near1, ref best1, ref index1);
        }
        index0.CopyTo(codes);
        index1.CopyTo(codes[Vector<int>.Count..]);
    }

    static void NearestOfTwo(ReadOnlySpan<float> table, int centroids, ReadOnlySpan<float> rows, Span<int> codes)
    {
        ref var x = ref MemoryMarshal.GetReference(rows);
        ref var entry = ref MemoryMarshal.GetReference(table);
        var width = (nuint)Vector<float>.Count;
        var (a0, a1) = (Vector.LoadUnsafe(ref x), Vector.LoadUnsafe(ref x, width));
        var (b0, b1) = (Vector.LoadUnsafe(ref x, RowTile.Rows), Vector.LoadUnsafe(ref x, RowTile.Rows + width));
        Vector<float> best0 = new(float.PositiveInfinity), best1 = best0;
        Vector<int> index0 = default, index1 = default;
        for (nuint c = 0; c < (nuint)centroids; c++)
        {
            var half = new Vector<float>(Unsafe.Add(ref entry, c * 3));
            var a = new Vector<float>(Unsafe.Add(ref entry, c * 3 + 1));
            var b = new Vector<float>(Unsafe.Add(ref entry, c * 3 + 2));
            Take((int)c, Vector.MultiplyAddEstimate(b0, b, Vector.MultiplyAddEstimate(a0, a, half)), ref best0, ref index0);
            Take((int)c, Vector.MultiplyAddEstimate(b1, b, Vector.MultiplyAddEstimate(a1, a, half)), ref best1, ref index1);
        }
        index0.CopyTo(codes);
        index1.CopyTo(codes[Vector<int>.Count..]);
    }

    static void NearestOf(ReadOnlySpan<float> table, int centroids, int length, ReadOnlySpan<float> x, Span<int> codes)
    {
        for (var half = 0; half < 2 * Vector<float>.Count; half += Vector<float>.Count)
        {
            Vector<float> best = new(float.PositiveInfinity);
            Vector<int> index = default;
            for (var c = 0; c < centroids; c++)
            {
                var entry = table.Slice(c * (length + 1), length + 1);
                var near = new Vector<float>(entry[0]);
                for (var t = 0; t < length; t++)
                    near = Vector.MultiplyAddEstimate(new Vector<float>(x[(t * RowTile.Rows + half)..]), new Vector<float>(entry[1 + t]), near);
                Take(c, near, ref best, ref index);
            }
            index.CopyTo(codes[half..]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Take(int centroid, Vector<float> near, ref Vector<float> best, ref Vector<int> index)
    {
        var nearer = Vector.LessThan(near, best);
        best = Vector.ConditionalSelect(nearer, near, best);
        index = Vector.ConditionalSelect(nearer, new Vector<int>(centroid), index);
    }
}
