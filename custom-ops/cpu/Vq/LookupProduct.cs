using System.Runtime.CompilerServices;
using OnnxEff.Formats;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>What becomes of sums.</summary>
unsafe interface ITileSums
{
    /// <summary>Says which tiles follow, before they are computed.</summary>
    void Expect(int tile, int count);

    /// <summary>Takes a tile's finished sums of a token: 64 floats, those behind the last output meaningless; they may be overwritten.</summary>
    void Take(int token, int tile, float* sums);
}

/// <summary>
/// The product for few tokens: each code is looked up in its group's table, and what the tables say is added up. Codes are read once: in a row where all tables stay near
/// enough, else several tiles take turns in steps of a block, so that the block's tables stay in the first cache.
/// </summary>
static unsafe class LookupProduct<TBytes, TLookup>
    where TBytes : unmanaged, IByteLanes<TBytes>
    where TLookup : ILookup<TBytes>
{
    const int TilesAtOnce = 4, Rows = VqInputLayout.TileRows;
    const int MostSums = 4; // Registers of a part's sums.
    const int FirstCache = 16 << 10, SecondCache = 128 << 10; // What tables may take of them: codes pass through them, too.

    // Two tiles share the registers of a table where there are enough of them.
    static bool TakesPairs => TBytes.Count == Rows;

    // From the second cache tables come in time where they are short beside the codes and no tiles share them. In turns, codes would come late: memory is fastest in a row.
    static int TablesInRow => TLookup.Centroids == 16 && !TakesPairs ? SecondCache : FirstCache;

    static int BlockBytes => TableLayout.BlockGroups / TLookup.UnitGroups * TLookup.UnitBytes;

    /// <summary>Computes all tiles of all tokens.</summary>
    /// <param name="tiles">Tiles of the weight.</param>
    /// <param name="layout">Sizes of the tables.</param>
    /// <param name="codes">[tiles, units, bytes of a unit]</param>
    /// <param name="tables">What <see cref="LookupTables{TLanes}"/> makes.</param>
    /// <param name="scales">Their scales.</param>
    /// <param name="make">Makes the tables of some blocks of all tokens.</param>
    /// <param name="results">Takes every tile of every token.</param>
    /// <param name="parallel">Threads, or null.</param>
    public static void Run(int tiles, TableLayout layout, byte* codes, byte* tables, float* scales, WorkRange make, ITileSums results, ParallelFor? parallel)
    {
        int units = layout.Groups / TLookup.UnitGroups, tokens = layout.Tokens;
        nint tileBytes = (nint)units * TLookup.UnitBytes;
        int together = layout.PlaneCount * layout.PlaneBytes <= TablesInRow ? 1 : TilesAtOnce;
        // Dealt out in pairs, as they are computed.
        Workers.RunRanges(parallel, tokens * layout.Blocks, make, (tiles + 1) / 2, (nuint)(tokens * TilesAtOnce * Rows), (from, to, sums) =>
        {
            for (int first = 2 * from, end = Math.Min(2 * to, tiles); first < end; first += TilesAtOnce)
            {
                int count = Math.Min(TilesAtOnce, end - first);
                byte* at = codes + first * tileBytes;
                results.Expect(first, count);
                new Span<float>(sums, tokens * TilesAtOnce * Rows).Clear();
                if (TLookup.Centroids == 16 && QuadProduct.Exists) QuadProduct.Add(at, count, together, units, tables, scales, layout, sums);
                else
                    for (int tile = 0; tile < count; tile += together) AddTiles(layout, at + tile * tileBytes, tileBytes, Math.Min(together, count - tile), tables, scales, sums + tile * Rows);
                for (int t = 0; t < tokens; t++)
                    for (int tile = 0; tile < count; tile++) results.Take(t, first + tile, sums + (t * TilesAtOnce + tile) * Rows);
            }
        });
    }

    static void AddTiles(TableLayout layout, byte* codes, nint tileBytes, int count, byte* tables, float* scales, float* sums)
    {
        nint next = count * tileBytes; // The tiles that follow.
        for (int block = 0; block < layout.Blocks; block++, codes += BlockBytes, next -= BlockBytes)
        {
            nint ahead = count == 1 ? 4 * BlockBytes : block + 1 < layout.Blocks ? BlockBytes : next;
            for (int i = 0; i < layout.Tokens * layout.Planes; i++, tables += layout.PlaneBytes, scales++)
            {
                float* target = sums + i / layout.Planes * TilesAtOnce * Rows;
                int tile = 0;
                for (; TakesPairs && tile + 2 <= count; tile += 2) AddPair(codes + tile * tileBytes, tileBytes, ahead, tables, layout.GroupsOf(block), *scales, target + tile * Rows);
                for (; tile < count; tile++) AddBlock(codes + tile * tileBytes, ahead, tables, layout.GroupsOf(block), *scales, target + tile * Rows);
            }
        }
    }

    /// <summary>As <see cref="AddBlock"/> for two tiles and their 128 sums.</summary>
    [MethodImpl(MethodImplOptions.NoInlining), SkipLocalsInit]
    static void AddPair(byte* codes, nint tileBytes, nint ahead, byte* tables, int groups, float scale, float* sums)
    {
        nint unit = TLookup.UnitBytes, step = TLookup.UnitGroups * TLookup.Centroids;
        byte* end = codes + groups / TLookup.UnitGroups * unit;
        TBytes* kept = stackalloc TBytes[2 * MostSums];
        for (int part = 0; part < TLookup.Parts; part++)
        {
            PartSums<TBytes> first = default, second = default;
            byte* table = tables;
            for (byte* at = codes; at < end; at += unit, table += step)
            {
                if (part == 0)
                {
                    Prefetch.Lines(at + ahead, TLookup.UnitBytes);
                    Prefetch.Lines(at + ahead + tileBytes, TLookup.UnitBytes);
                }
                TLookup.Add(at, table, part, ref first);
                TLookup.Add(at + tileBytes, table, part, ref second);
            }
            TLookup.Keep(first, kept);
            TLookup.Keep(second, kept + MostSums);
            Finish(kept, part, groups, scale, sums);
            Finish(kept + MostSums, part, groups, scale, sums + Rows);
        }
    }

    /// <summary>sums[row] += scale · Σ (table[g][code(row, g)] - 128) over the groups of a block. Ahead of it is what is read next of the tile or of one that follows.</summary>
    static void AddBlock(byte* codes, nint ahead, byte* tables, int groups, float scale, float* sums)
    {
        AddPart<First>(codes, ahead, tables, groups, scale, sums);
        if (TLookup.Parts > 1) AddPart<Second>(codes, ahead, tables, groups, scale, sums);
        if (TLookup.Parts <= 2) return;
        AddPart<Third>(codes, ahead, tables, groups, scale, sums);
        AddPart<Fourth>(codes, ahead, tables, groups, scale, sums);
    }

    [MethodImpl(MethodImplOptions.NoInlining), SkipLocalsInit]
    static void AddPart<TPart>(byte* codes, nint ahead, byte* tables, int groups, float scale, float* sums) where TPart : IPart
    {
        nint unit = TLookup.UnitBytes, step = TLookup.UnitGroups * TLookup.Centroids;
        PartSums<TBytes> found = default;
        for (byte* end = codes + groups / TLookup.UnitGroups * unit; codes < end; codes += unit, tables += step)
        {
            if (TPart.Index == 0) Prefetch.Lines(codes + ahead, TLookup.UnitBytes);
            TLookup.Add(codes, tables, TPart.Index, ref found);
        }
        TBytes* kept = stackalloc TBytes[MostSums];
        TLookup.Keep(found, kept);
        Finish(kept, TPart.Index, groups, scale, sums);
    }

    // By way of memory: registers that outlive a call, whose address is taken, or so much code in one method, would put the loop's sums there at each step.
    [MethodImpl(MethodImplOptions.NoInlining)]
    static void Finish(TBytes* kept, int part, int groups, float scale, float* target) => TLookup.Finish(kept, part, groups, scale, target);

    // A part as a constant, by which codes are taken from a unit without a branch.
    interface IPart
    {
        static abstract int Index { get; }
    }

    readonly struct First : IPart { public static int Index => 0; }

    readonly struct Second : IPart { public static int Index => 1; }

    readonly struct Third : IPart { public static int Index => 2; }

    readonly struct Fourth : IPart { public static int Index => 3; }
}
