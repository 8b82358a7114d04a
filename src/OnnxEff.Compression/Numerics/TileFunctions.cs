namespace OnnxEff.Compression;

/// <summary>
/// The inner loops on tiles as compiled C, where a host links it. A program that is compiled before it starts needs it: its vectors are as wide as those
/// of the oldest processor that it runs on. Sums are the same in the same order.
/// </summary>
public static unsafe class TileFunctions
{
    static delegate* unmanaged[Cdecl]<float*, float*, nint, float*, void> s_multiply;
    static delegate* unmanaged[Cdecl]<float*, float*, nint, int*, float*, nint, nint, nint, void> s_addMany;
    static delegate* unmanaged[Cdecl]<float*, nint, nint, float*, int*, void> s_nearest;

    /// <summary>Gives what onnxeff_tile_functions of src/OnnxEff.Cli/Leaf hands out, or takes it away with zeros.</summary>
    public static void Use(nint multiply, nint addMany, nint nearest)
    {
        s_multiply = (delegate* unmanaged[Cdecl]<float*, float*, nint, float*, void>)multiply;
        s_addMany = (delegate* unmanaged[Cdecl]<float*, float*, nint, int*, float*, nint, nint, nint, void>)addMany;
        s_nearest = (delegate* unmanaged[Cdecl]<float*, nint, nint, float*, int*, void>)nearest;
    }

    /// <summary>True when loops run here.</summary>
    internal static bool Exist => s_multiply != null;

    /// <summary><see cref="RowTile.Multiply"/></summary>
    internal static void Multiply(ReadOnlySpan<float> tile, ReadOnlySpan<float> matrix, int columns, Span<float> product)
    {
        fixed (float* x = tile, m = matrix, y = product) s_multiply(x, m, columns, y);
    }

    /// <summary><see cref="RowTile.AddMany"/></summary>
    internal static void AddMany(Span<float> tile, ReadOnlySpan<float> changes, ReadOnlySpan<int> rows, ReadOnlySpan<float> matrix, int columns, int first, int end)
    {
        fixed (float* y = tile, e = changes, m = matrix)
        fixed (int* at = rows) s_addMany(y, e, rows.Length, at, m, columns, first, end);
    }

    /// <summary><see cref="CentroidTables.Nearest"/></summary>
    internal static void Nearest(ReadOnlySpan<float> table, int centroids, int length, ReadOnlySpan<float> x, Span<int> codes)
    {
        fixed (float* entry = table, rows = x)
        fixed (int* target = codes) s_nearest(entry, centroids, length, rows, target);
    }
}
