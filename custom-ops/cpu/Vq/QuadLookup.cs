using System.Runtime.CompilerServices;
using OnnxEff.Formats;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>
/// 16 centroids: a unit is four groups, and a part a line of 64 bytes of it. Each 16 bytes of a register belong to one group, as those at the same place of the
/// tables do, and hold the codes of 16 rows with those of 16 others above them.
/// </summary>
readonly unsafe struct QuadLookup<TBytes> : ILookup<TBytes> where TBytes : unmanaged, IByteLanes<TBytes>
{
    const int Line = 64, GroupRows = 16;

    public static int Centroids
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 16;
    }

    public static int UnitGroups
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 4;
    }

    public static int UnitBytes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 2 * Line;
    }

    public static int Parts
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 2;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add(byte* unit, byte* tables, int part, ref PartSums<TBytes> sums)
    {
        unit += part * Line;
        AddRegister(unit, tables, ref sums);
        if (TBytes.Count <= 32) AddRegister(unit + TBytes.Count, tables + TBytes.Count, ref sums);
        if (TBytes.Count > 16) return;
        AddRegister(unit + 32, tables + 32, ref sums);
        AddRegister(unit + 48, tables + 48, ref sums);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void AddRegister(byte* codes, byte* tables, ref PartSums<TBytes> sums)
    {
        TBytes pairs = TBytes.Load(codes), table = TBytes.Load(tables);
        TBytes lower = TBytes.Shuffle(table, TBytes.Low4(pairs)), upper = TBytes.Shuffle(table, TBytes.High4(pairs));
        sums.Words = TBytes.AddWords(sums.Words, lower);
        sums.Odd = TBytes.AddWords(sums.Odd, TBytes.OddBytes(lower));
        sums.UpperWords = TBytes.AddWords(sums.UpperWords, upper);
        sums.UpperOdd = TBytes.AddWords(sums.UpperOdd, TBytes.OddBytes(upper));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Keep(PartSums<TBytes> sums, TBytes* kept) => (kept[0], kept[1], kept[2], kept[3]) = (sums.Words, sums.Odd, sums.UpperWords, sums.UpperOdd);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Finish(TBytes* kept, int part, int groups, float scale, float* target)
    {
        target += part * GroupRows;
        FinishRows(TBytes.Fold(kept[0]), TBytes.Fold(kept[1]), groups, scale, target);
        FinishRows(TBytes.Fold(kept[2]), TBytes.Fold(kept[3]), groups, scale, target + GroupRows / 2);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void FinishRows(Bytes128 words, Bytes128 odd, int groups, float scale, float* target)
    {
        Bytes128.AddTo(Bytes128.EvenSums(words, odd), groups * TableLayout.Zero, scale, target);
        Bytes128.AddTo(odd, groups * TableLayout.Zero, scale, target + VqInputLayout.TileRows / 2);
    }

    public static void Spread(byte* unit, int group, byte* places)
    {
        unit += group * GroupRows;
        for (int line = 0; line < 2; line++, unit += Line, places += 2 * GroupRows)
        {
            Bytes128 pairs = Bytes128.Load(unit);
            Bytes128.Store(pairs, places);
            Bytes128.Store(Bytes128.High4(pairs), places + GroupRows);
        }
    }
}
