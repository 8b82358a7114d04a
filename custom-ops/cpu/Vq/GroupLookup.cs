using System.Runtime.CompilerServices;
using OnnxEff.Formats;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>The number of centroids of a codebook whose codes have a unit for each group.</summary>
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

/// <summary>A group is a unit, and a part as many rows as a register has bytes.</summary>
readonly unsafe struct GroupLookup<TBytes, TCentroids> : ILookup<TBytes>
    where TBytes : unmanaged, IByteLanes<TBytes>
    where TCentroids : ICentroids
{
    public static int Centroids
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TCentroids.Count;
    }

    public static int UnitGroups
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 1;
    }

    public static int UnitBytes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TCentroids.UnitBytes;
    }

    public static int Parts
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => VqInputLayout.TileRows / TBytes.Count;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add(byte* unit, byte* tables, int part, ref PartSums<TBytes> sums)
    {
        TBytes found = TCentroids.Lookup(tables, TCentroids.Codes<TBytes>(unit, part));
        sums.Words = TBytes.AddWords(sums.Words, found);
        sums.Odd = TBytes.AddWords(sums.Odd, TBytes.OddBytes(found));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Keep(PartSums<TBytes> sums, TBytes* kept) => (kept[0], kept[1]) = (sums.Words, sums.Odd);

    // Even places hold the first 32 rows, odd ones the others.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Finish(TBytes* kept, int part, int groups, float scale, float* target)
    {
        (TBytes words, TBytes odd) = (kept[0], kept[1]);
        target += part * TBytes.Count / 2;
        TBytes.AddTo(TBytes.EvenSums(words, odd), groups * TableLayout.Zero, scale, target);
        TBytes.AddTo(odd, groups * TableLayout.Zero, scale, target + VqInputLayout.TileRows / 2);
    }

    public static void Spread(byte* unit, int group, byte* places)
    {
        for (int part = 0; part < Parts; part++) TBytes.Store(TCentroids.Codes<TBytes>(unit, part), places + part * TBytes.Count);
    }
}
