using System.Runtime.CompilerServices;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>The number of centroids of a codebook. Kernels are compiled once per number.</summary>
unsafe interface ICentroids
{
    /// <summary>k.</summary>
    static abstract int Count { get; }

    /// <summary>Bytes of the codes of one group of a tile.</summary>
    static abstract int UnitBytes { get; }

    /// <summary>A part's codes; bits above them hold what a lookup does not look at.</summary>
    static abstract TBytes Codes<TBytes>(byte* unit, int part) where TBytes : unmanaged, IByteLanes<TBytes>;

    /// <summary>What a table of k bytes says of codes.</summary>
    static abstract TBytes Lookup<TBytes>(byte* table, TBytes codes) where TBytes : unmanaged, IByteLanes<TBytes>;
}

/// <summary>16 centroids: codes of 4 bits.</summary>
readonly unsafe struct Centroids16 : ICentroids
{
    public static int Count
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 16;
    }

    public static int UnitBytes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 32;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Codes<TBytes>(byte* unit, int part) where TBytes : unmanaged, IByteLanes<TBytes> => TBytes.Codes4(unit, part);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Lookup<TBytes>(byte* table, TBytes codes) where TBytes : unmanaged, IByteLanes<TBytes> => TBytes.Lookup16(table, codes);
}

/// <summary>64 centroids: codes of 6 bits.</summary>
readonly unsafe struct Centroids64 : ICentroids
{
    public static int Count
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 64;
    }

    public static int UnitBytes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 48;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Codes<TBytes>(byte* unit, int part) where TBytes : unmanaged, IByteLanes<TBytes> => TBytes.Codes6(unit, part);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Lookup<TBytes>(byte* table, TBytes codes) where TBytes : unmanaged, IByteLanes<TBytes> => TBytes.Lookup64(table, codes);
}

/// <summary>256 centroids: codes of 8 bits.</summary>
readonly unsafe struct Centroids256 : ICentroids
{
    public static int Count
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 256;
    }

    public static int UnitBytes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 64;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Codes<TBytes>(byte* unit, int part) where TBytes : unmanaged, IByteLanes<TBytes> => TBytes.Codes8(unit, part);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Lookup<TBytes>(byte* table, TBytes codes) where TBytes : unmanaged, IByteLanes<TBytes> => TBytes.Lookup256(table, codes);
}
