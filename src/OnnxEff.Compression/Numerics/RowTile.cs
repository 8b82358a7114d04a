using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace OnnxEff.Compression;

/// <summary>
/// A tile: 32 rows of a matrix [N, K], stored transposed as [K, 32], so that a vector register holds one column of several rows. Rows of a weight do not
/// depend on each other once the second moment of the inputs is known, so every step of quantising works on tiles, and results depend neither on
/// the width of registers nor on threads.
/// </summary>
static class RowTile
{
    /// <summary>Rows of a tile: a multiple of two registers of every width.</summary>
    public const int Rows = 32;

    /// <summary>Floats of two registers: the rows that an inner loop keeps at hand.</summary>
    static int Pair => 2 * Vector<float>.Count;

    /// <summary>The tiles of a row-major matrix [N, K], one behind the other; rows behind N are zeros.</summary>
    public static float[] Of(ReadOnlySpan<float> matrix, int rows, int columns)
    {
        var tiles = new float[(long)Count(rows) * columns * Rows];
        for (var first = 0; first < rows; first += Rows)
        {
            // Column by column, so that what is written lies together; the 32 rows that are read stay near.
            var tile = tiles.AsSpan(first * columns, columns * Rows);
            var part = matrix[(first * columns)..];
            var count = Math.Min(Rows, rows - first);
            for (var column = 0; column < columns; column++)
                for (var row = 0; row < count; row++) tile[column * Rows + row] = part[row * columns + column];
        }
        return tiles;
    }

    /// <summary>Writes a tile [K, 32] into its rows of a row-major matrix [N, K].</summary>
    public static void ToRows(ReadOnlySpan<float> tile, Span<float> matrix, int index, int columns)
    {
        for (var row = index * Rows; row < Math.Min((index + 1) * Rows, matrix.Length / columns); row++)
            for (var column = 0; column < columns; column++) matrix[row * columns + column] = tile[column * Rows + row % Rows];
    }

    /// <summary>Tiles of so many rows.</summary>
    public static int Count(int rows) => (rows + Rows - 1) / Rows;

    /// <summary>product[:, j] = Σ_i tile[:, i] · matrix[j, i] for a matrix [K, K]: tile · matrixᵀ.</summary>
    public static void Multiply(ReadOnlySpan<float> tile, ReadOnlySpan<float> matrix, int columns, Span<float> product)
    {
        if (TileFunctions.Exist)
        {
            TileFunctions.Multiply(tile[..(columns * Rows)], matrix[..(columns * columns)], columns, product[..(columns * Rows)]);
            return;
        }
        // Four rows of the matrix stay in the nearest cache while all rows of the tile pass them.
        var column = 0;
        for (; column + 4 <= columns; column += 4)
            for (var row = 0; row < Rows; row += Pair) MultiplyFour(tile[row..], matrix[(column * columns)..], columns, product[(column * Rows + row)..]);
        for (; column < columns; column++)
            for (var row = 0; row < Rows; row += Pair) MultiplyOne(tile[row..], matrix[(column * columns)..], columns, product[(column * Rows + row)..]);
    }

    static void MultiplyFour(ReadOnlySpan<float> tile, ReadOnlySpan<float> matrix, int columns, Span<float> product)
    {
        ref var x = ref MemoryMarshal.GetReference(tile);
        ref var m = ref MemoryMarshal.GetReference(matrix);
        ref var y = ref MemoryMarshal.GetReference(product);
        var width = (nuint)Vector<float>.Count;
        Vector<float> a0 = default, a1 = default, b0 = default, b1 = default, c0 = default, c1 = default, d0 = default, d1 = default;
        for (nuint i = 0; i < (nuint)columns; i++)
        {
            var x0 = Vector.LoadUnsafe(ref x, i * Rows);
            var x1 = Vector.LoadUnsafe(ref x, i * Rows + width);
            var a = new Vector<float>(Unsafe.Add(ref m, i));
            (a0, a1) = (Vector.MultiplyAddEstimate(x0, a, a0), Vector.MultiplyAddEstimate(x1, a, a1));
            var b = new Vector<float>(Unsafe.Add(ref m, i + (nuint)columns));
            (b0, b1) = (Vector.MultiplyAddEstimate(x0, b, b0), Vector.MultiplyAddEstimate(x1, b, b1));
            var c = new Vector<float>(Unsafe.Add(ref m, i + 2 * (nuint)columns));
            (c0, c1) = (Vector.MultiplyAddEstimate(x0, c, c0), Vector.MultiplyAddEstimate(x1, c, c1));
            var d = new Vector<float>(Unsafe.Add(ref m, i + 3 * (nuint)columns));
            (d0, d1) = (Vector.MultiplyAddEstimate(x0, d, d0), Vector.MultiplyAddEstimate(x1, d, d1));
        }
        a0.StoreUnsafe(ref y);
        a1.StoreUnsafe(ref y, width);
        b0.StoreUnsafe(ref y, Rows);
        b1.StoreUnsafe(ref y, Rows + width);
        c0.StoreUnsafe(ref y, 2 * Rows);
        c1.StoreUnsafe(ref y, 2 * Rows + width);
        d0.StoreUnsafe(ref y, 3 * Rows);
        d1.StoreUnsafe(ref y, 3 * Rows + width);
    }

    static void MultiplyOne(ReadOnlySpan<float> tile, ReadOnlySpan<float> matrix, int columns, Span<float> product)
    {
        ref var x = ref MemoryMarshal.GetReference(tile);
        ref var y = ref MemoryMarshal.GetReference(product);
        var width = (nuint)Vector<float>.Count;
        Vector<float> a0 = default, a1 = default;
        for (var i = 0; i < columns; i++)
        {
            var a = new Vector<float>(matrix[i]);
            a0 = Vector.MultiplyAddEstimate(Vector.LoadUnsafe(ref x, (nuint)i * Rows), a, a0);
            a1 = Vector.MultiplyAddEstimate(Vector.LoadUnsafe(ref x, (nuint)i * Rows + width), a, a1);
        }
        a0.StoreUnsafe(ref y);
        a1.StoreUnsafe(ref y, width);
    }

    /// <summary>tile[:, j] += Σ_t change[t] · factors[t, j] for the columns from <paramref name="first"/> to <paramref name="end"/>; for few of them.</summary>
    /// <param name="tile">[K, 32].</param>
    /// <param name="change">[v, 32].</param>
    /// <param name="factors">[v, K], row-major.</param>
    /// <param name="columns">K.</param>
    /// <param name="first">The first column.</param>
    /// <param name="end">Behind the last.</param>
    public static void Add(Span<float> tile, ReadOnlySpan<float> change, ReadOnlySpan<float> factors, int columns, int first, int end)
    {
        var length = change.Length / Rows;
        for (var t = 0; t < length; t += length - t >= 2 ? 2 : 1)
            for (var row = 0; row < Rows; row += Pair)
            {
                var from = change[(t * Rows + row)..];
                var by = factors[(t * columns)..];
                if (length - t >= 2) AddTwo(tile[row..], from, by, columns, first, end);
                else AddOne(tile[row..], from, by, first, end);
            }
    }

    /// <summary>The same for many changes and columns at once, which reads and writes the tile once and not for each change.</summary>
    /// <param name="tile">[K, 32].</param>
    /// <param name="changes">[c, 32].</param>
    /// <param name="rows">For each change the row of the matrix with its factors.</param>
    /// <param name="matrix">[K, K], row-major.</param>
    /// <param name="columns">K.</param>
    /// <param name="first">The first column.</param>
    /// <param name="end">Behind the last.</param>
    public static void AddMany(Span<float> tile, ReadOnlySpan<float> changes, ReadOnlySpan<int> rows, ReadOnlySpan<float> matrix, int columns, int first, int end)
    {
        if (TileFunctions.Exist)
        {
            TileFunctions.AddMany(tile[..(columns * Rows)], changes[..(rows.Length * Rows)], rows, matrix[..(columns * columns)], columns, first, end);
            return;
        }
        var column = first;
        for (; column + 4 <= end; column += 4)
            for (var row = 0; row < Rows; row += Pair) AddToFour(tile[(column * Rows + row)..], changes[row..], rows, matrix[column..], columns);
        for (; column < end; column++)
            for (var row = 0; row < Rows; row += Pair) AddToOne(tile[(column * Rows + row)..], changes[row..], rows, matrix[column..], columns);
    }

    static void AddToFour(Span<float> tile, ReadOnlySpan<float> changes, ReadOnlySpan<int> rows, ReadOnlySpan<float> matrix, int columns)
    {
        ref var y = ref MemoryMarshal.GetReference(tile);
        ref var e = ref MemoryMarshal.GetReference(changes);
        ref var m = ref MemoryMarshal.GetReference(matrix);
        var width = (nuint)Vector<float>.Count;
        var (a0, a1) = (Vector.LoadUnsafe(ref y), Vector.LoadUnsafe(ref y, width));
        var (b0, b1) = (Vector.LoadUnsafe(ref y, Rows), Vector.LoadUnsafe(ref y, Rows + width));
        var (c0, c1) = (Vector.LoadUnsafe(ref y, 2 * Rows), Vector.LoadUnsafe(ref y, 2 * Rows + width));
        var (d0, d1) = (Vector.LoadUnsafe(ref y, 3 * Rows), Vector.LoadUnsafe(ref y, 3 * Rows + width));
        for (var t = 0; t < rows.Length; t++)
        {
            var x0 = Vector.LoadUnsafe(ref e, (nuint)t * Rows);
            var x1 = Vector.LoadUnsafe(ref e, (nuint)t * Rows + width);
            ref var f = ref Unsafe.Add(ref m, (nint)rows[t] * columns);
            var a = new Vector<float>(f);
            (a0, a1) = (Vector.MultiplyAddEstimate(x0, a, a0), Vector.MultiplyAddEstimate(x1, a, a1));
            var b = new Vector<float>(Unsafe.Add(ref f, 1));
            (b0, b1) = (Vector.MultiplyAddEstimate(x0, b, b0), Vector.MultiplyAddEstimate(x1, b, b1));
            var c = new Vector<float>(Unsafe.Add(ref f, 2));
            (c0, c1) = (Vector.MultiplyAddEstimate(x0, c, c0), Vector.MultiplyAddEstimate(x1, c, c1));
            var d = new Vector<float>(Unsafe.Add(ref f, 3));
            (d0, d1) = (Vector.MultiplyAddEstimate(x0, d, d0), Vector.MultiplyAddEstimate(x1, d, d1));
        }
        a0.StoreUnsafe(ref y);
        a1.StoreUnsafe(ref y, width);
        b0.StoreUnsafe(ref y, Rows);
        b1.StoreUnsafe(ref y, Rows + width);
        c0.StoreUnsafe(ref y, 2 * Rows);
        c1.StoreUnsafe(ref y, 2 * Rows + width);
        d0.StoreUnsafe(ref y, 3 * Rows);
        d1.StoreUnsafe(ref y, 3 * Rows + width);
    }

    static void AddToOne(Span<float> tile, ReadOnlySpan<float> changes, ReadOnlySpan<int> rows, ReadOnlySpan<float> matrix, int columns)
    {
        var width = Vector<float>.Count;
        var (a0, a1) = (new Vector<float>(tile), new Vector<float>(tile[width..]));
        for (var t = 0; t < rows.Length; t++)
        {
            var a = new Vector<float>(matrix[rows[t] * columns]);
            a0 = Vector.MultiplyAddEstimate(new Vector<float>(changes[(t * Rows)..]), a, a0);
            a1 = Vector.MultiplyAddEstimate(new Vector<float>(changes[(t * Rows + width)..]), a, a1);
        }
        a0.CopyTo(tile);
        a1.CopyTo(tile[width..]);
    }

    /// <summary>One column: y += x · factor.</summary>
    public static void AddScaled(Span<float> y, ReadOnlySpan<float> x, float factor)
    {
        var by = new Vector<float>(factor);
        for (var row = 0; row < Rows; row += Vector<float>.Count)
            Vector.MultiplyAddEstimate(new Vector<float>(x[row..]), by, new Vector<float>(y[row..])).CopyTo(y[row..]);
    }

    static void AddTwo(Span<float> tile, ReadOnlySpan<float> change, ReadOnlySpan<float> factors, int columns, int first, int end)
    {
        ref var y = ref MemoryMarshal.GetReference(tile);
        ref var e = ref MemoryMarshal.GetReference(change);
        ref var f = ref MemoryMarshal.GetReference(factors);
        var (width, k) = ((nuint)Vector<float>.Count, (nuint)columns);
        var (a0, a1) = (Vector.LoadUnsafe(ref e), Vector.LoadUnsafe(ref e, width));
        var (b0, b1) = (Vector.LoadUnsafe(ref e, Rows), Vector.LoadUnsafe(ref e, Rows + width));
        for (var j = (nuint)first; j < (nuint)end; j++)
        {
            var y0 = Vector.LoadUnsafe(ref y, j * Rows);
            var y1 = Vector.LoadUnsafe(ref y, j * Rows + width);
            var a = new Vector<float>(Unsafe.Add(ref f, j));
            (y0, y1) = (Vector.MultiplyAddEstimate(a0, a, y0), Vector.MultiplyAddEstimate(a1, a, y1));
            var b = new Vector<float>(Unsafe.Add(ref f, j + k));
            (y0, y1) = (Vector.MultiplyAddEstimate(b0, b, y0), Vector.MultiplyAddEstimate(b1, b, y1));
            y0.StoreUnsafe(ref y, j * Rows);
            y1.StoreUnsafe(ref y, j * Rows + width);
        }
    }

    static void AddOne(Span<float> tile, ReadOnlySpan<float> change, ReadOnlySpan<float> factors, int first, int end)
    {
        ref var y = ref MemoryMarshal.GetReference(tile);
        var width = (nuint)Vector<float>.Count;
        var (a0, a1) = (new Vector<float>(change), new Vector<float>(change[Vector<float>.Count..]));
        for (var j = (nuint)first; j < (nuint)end; j++)
        {
            var a = new Vector<float>(factors[(int)j]);
            Vector.MultiplyAddEstimate(a0, a, Vector.LoadUnsafe(ref y, j * Rows)).StoreUnsafe(ref y, j * Rows);
            Vector.MultiplyAddEstimate(a1, a, Vector.LoadUnsafe(ref y, j * Rows + width)).StoreUnsafe(ref y, j * Rows + width);
        }
    }
}
