using System.Runtime.CompilerServices;
using OnnxEff.Formats;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>Takes a tile's finished sums of a token: 64 floats, those behind the last output meaningless; they may be overwritten.</summary>
unsafe delegate void TileSums(int token, int tile, float* sums);

/// <summary>
/// The product for few tokens: each code is looked up in its group's table, and what the tables say is added up. Codes are read once, a tile's in the order in
/// which they lie; several tiles take turns in steps of a block, so that the block's tables stay in the first cache.
/// </summary>
static unsafe class LookupProduct<TBytes, TCentroids>
    where TBytes : unmanaged, IByteLanes<TBytes>
    where TCentroids : ICentroids
{
    const int TilesAtOnce = 4;

    // Two tiles share the registers of a table where a register is a whole group of a tile.
    static bool TakesPairs => TBytes.Count == VqInputLayout.TileRows;

    /// <summary>Computes all tiles of all tokens.</summary>
    /// <param name="tiles">Tiles of the weight.</param>
    /// <param name="layout">Sizes of the tables.</param>
    /// <param name="codes">[tiles, G, unit]</param>
    /// <param name="tables">What <see cref="LookupTables{TLanes}"/> makes.</param>
    /// <param name="scales">Their scales.</param>
    /// <param name="tokens">Tokens.</param>
    /// <param name="make">Makes the tables of some blocks of all tokens.</param>
    /// <param name="done">Called with every tile of every token.</param>
    /// <param name="parallel">Threads, or null.</param>
    public static void Run(int tiles, TableLayout layout, byte* codes, byte* tables, float* scales, int tokens, WorkRange make, TileSums done, ParallelFor? parallel)
    {
        int rows = VqInputLayout.TileRows;
        nint tileBytes = (nint)layout.Groups * TCentroids.UnitBytes;
        Workers.RunRanges(parallel, tokens * layout.Blocks, make, tiles, (nuint)(tokens * TilesAtOnce * rows), (from, to, sums) =>
        {
            for (int first = from; first < to; first += TilesAtOnce)
            {
                int count = Math.Min(TilesAtOnce, to - first);
                new Span<float>(sums, tokens * TilesAtOnce * rows).Clear();
                AddTiles(layout, codes + first * tileBytes, count, tables, scales, tokens, sums);
                for (int t = 0; t < tokens; t++)
                    for (int tile = 0; tile < count; tile++) done(t, first + tile, sums + (t * TilesAtOnce + tile) * rows);
            }
        });
    }

    static void AddTiles(TableLayout layout, byte* codes, int count, byte* tables, float* scales, int tokens, float* sums)
    {
        nint tileBytes = (nint)layout.Groups * TCentroids.UnitBytes;
        for (int block = 0; block < layout.Blocks; block++, codes += TableLayout.BlockGroups * TCentroids.UnitBytes)
            for (int t = 0; t < tokens; t++)
                for (int plane = 0; plane < layout.Planes; plane++)
                {
                    long at = layout.PlaneOf(t, block) + plane;
                    byte* table = tables + at * layout.PlaneBytes;
                    float* target = sums + t * TilesAtOnce * VqInputLayout.TileRows;
                    int tile = 0;
                    for (; TakesPairs && tile + 2 <= count; tile += 2)
                        AddPair(codes + tile * tileBytes, tileBytes, table, layout.GroupsOf(block), scales[at], target + tile * VqInputLayout.TileRows);
                    for (; tile < count; tile++) AddBlock(codes + tile * tileBytes, table, layout.GroupsOf(block), scales[at], target + tile * VqInputLayout.TileRows);
                }
    }

    /// <summary>As <see cref="AddBlock"/> for two tiles and their 128 sums.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    static void AddPair(byte* codes, nint tileBytes, byte* table, int groups, float scale, float* sums)
    {
        TBytes words0 = default, odd0 = default, words1 = default, odd1 = default;
        nint unit = TCentroids.UnitBytes, centroids = TCentroids.Count;
        for (byte* end = codes + groups * unit; codes < end; codes += unit, table += centroids)
        {
            Prefetch.ToFirst(codes + TableLayout.BlockGroups * unit);
            Prefetch.ToFirst(codes + TableLayout.BlockGroups * unit + tileBytes);
            Add(table, codes, 0, ref words0, ref odd0);
            Add(table, codes + tileBytes, 0, ref words1, ref odd1);
        }
        byte* kept = stackalloc byte[4 * VqInputLayout.TileRows];
        TBytes.Store(words0, kept);
        TBytes.Store(odd0, kept + VqInputLayout.TileRows);
        TBytes.Store(words1, kept + 2 * VqInputLayout.TileRows);
        TBytes.Store(odd1, kept + 3 * VqInputLayout.TileRows);
        FlushKept(kept, groups, scale, sums);
        FlushKept(kept + 2 * VqInputLayout.TileRows, groups, scale, sums + VqInputLayout.TileRows);
    }

    // By way of memory: registers that outlive a call, or so much code in one method, would put the loop's sums there at each step.
    [MethodImpl(MethodImplOptions.NoInlining)]
    static void FlushKept(byte* kept, int groups, float scale, float* sums) =>
        Flush(TBytes.Load(kept), TBytes.Load(kept + VqInputLayout.TileRows), groups, scale, sums, 0);

    /// <summary>sums[row] += scale · Σ (table[g][code(row, g)] - 128) over the groups of a block.</summary>
    static void AddBlock(byte* codes, byte* table, int groups, float scale, float* sums)
    {
        TBytes words0 = default, words1 = default, words2 = default, words3 = default, odd0 = default, odd1 = default, odd2 = default, odd3 = default;
        nint unit = TCentroids.UnitBytes, centroids = TCentroids.Count;
        for (byte* end = codes + groups * unit; codes < end; codes += unit, table += centroids)
        {
            Prefetch.ToFirst(codes + TableLayout.BlockGroups * unit); // The tile's next block.
            Add(table, codes, 0, ref words0, ref odd0);
            if (TBytes.Count <= 32) Add(table, codes, 1, ref words1, ref odd1);
            if (TBytes.Count > 16) continue;
            Add(table, codes, 2, ref words2, ref odd2);
            Add(table, codes, 3, ref words3, ref odd3);
        }
        Flush(words0, odd0, groups, scale, sums, 0);
        if (TBytes.Count <= 32) Flush(words1, odd1, groups, scale, sums, 1);
        if (TBytes.Count > 16) return;
        Flush(words2, odd2, groups, scale, sums, 2);
        Flush(words3, odd3, groups, scale, sums, 3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Add(byte* table, byte* unit, int part, ref TBytes words, ref TBytes odd)
    {
        TBytes found = TCentroids.Lookup(table, TCentroids.Codes<TBytes>(unit, part));
        words = TBytes.AddWords(words, found);
        odd = TBytes.AddWords(odd, TBytes.OddBytes(found));
    }

    // Even places hold the first 32 rows, odd ones the others. No call: sums that outlive one are kept in memory, throughout the loop.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Flush(TBytes words, TBytes odd, int groups, float scale, float* sums, int part)
    {
        float* target = sums + part * TBytes.Count / 2;
        TBytes.AddTo(TBytes.EvenSums(words, odd), groups * TableLayout.Zero, scale, target);
        TBytes.AddTo(odd, groups * TableLayout.Zero, scale, target + VqInputLayout.TileRows / 2);
    }
}
