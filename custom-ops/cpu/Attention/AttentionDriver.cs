using OnnxEff.Ops;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>Cuts a call into items of work for one strategy: a tile of queries and a chunk of keys each.</summary>
/// <remarks>Every size here follows from the shapes alone: results are the same for any number of threads.</remarks>
sealed unsafe class AttentionDriver<TTile, TLanes, TCodec, TStored>
    where TTile : struct, IAttentionTile<TTile, TStored>
    where TLanes : unmanaged, ILanes<TLanes>
    where TCodec : ICodec<TStored>
    where TStored : unmanaged
{
    const long ProductsWorthThreads = 1 << 16; // Below it a call takes less than handing it to another thread.
    const int RowsPerCopy = 512;

    static readonly int[] OnlyTile = [0]; // Of a decode step, which has no time to sort.

    readonly AttentionCall<TStored> call;
    readonly int queriesPerTile, queriesPerBlock, tilesPerBlock, tiles, keysPerChunk, chunks;
    readonly ParallelFor? parallel;
    readonly int[] order; // Of the tiles of a head: those that see the most keys go first.

    public AttentionDriver(AttentionCall<TStored> call, int queriesPerTile, int keysPerChunk, ParallelFor? parallel)
    {
        this.call = call;
        this.keysPerChunk = keysPerChunk;
        queriesPerBlock = call.Plan?.BlockQ ?? queriesPerTile; // A tile lies inside of a block of the plan.
        tilesPerBlock = (queriesPerBlock + queriesPerTile - 1) / queriesPerTile;
        this.queriesPerTile = (queriesPerBlock + tilesPerBlock - 1) / tilesPerBlock;
        tiles = (call.Sequence + queriesPerBlock - 1) / queriesPerBlock * tilesPerBlock;
        // Splitting over keys is for calls that have no other work to share.
        chunks = tiles == 1 ? Math.Max(1, (call.Total + keysPerChunk - 1) / keysPerChunk) : 1;
        long products = (long)call.Batch * call.QueryHeads * call.Sequence * call.Total * Math.Max(call.HeadSize, call.ValueHeadSize);
        this.parallel = products < ProductsWorthThreads ? null : parallel;
        order = tiles == 1 ? OnlyTile : [.. Enumerable.Range(0, tiles).OrderByDescending(LiveKeys).ThenByDescending(tile => tile)];
    }

    int Heads => call.Batch * call.KvHeads;

    public void Run()
    {
        if (tiles != 1 && call.Append) FillCache();
        if (chunks == 1)
        {
            Workers.Run(parallel, checked(Heads * tiles), ScratchFloats, (item, scratch) => RunItem(item, scratch, null));
            return;
        }
        int rows = call.Sequence * call.Group;
        long perItem = (long)rows * PartialRows<TLanes, TCodec, TStored>.Stride(call);
        using var partials = new Scratch(checked((nuint)(Heads * (long)chunks * perItem) * sizeof(float)));
        var statesAt = (nint)partials.Bytes;
        Workers.Run(parallel, checked(Heads * chunks), ScratchFloats, (item, scratch) =>
            RunItem(item, scratch, (float*)statesAt + item * perItem));
        Workers.Run(null, Heads, (nuint)call.ValueHeadSize, (head, scratch) =>
        {
            float* states = (float*)statesAt + (long)head * chunks * perItem;
            PartialRows<TLanes, TCodec, TStored>.Merge(call, Tile(head, 0), states, chunks, scratch);
        });
    }

    nuint ScratchFloats =>
        Math.Max(TTile.ScratchFloats(call, queriesPerTile), KvCache<TLanes, TCodec, TStored>.ScratchFloats(call));

    QueryTile Tile(int head, int tile)
    {
        int block = tile / tilesPerBlock, first = block * queriesPerBlock + tile % tilesPerBlock * queriesPerTile;
        int last = Math.Min(Math.Min(first + queriesPerTile, (block + 1) * queriesPerBlock), call.Sequence);
        return new(head / call.KvHeads, head % call.KvHeads, first, last);
    }

    // What the first head sees: masks of the others seldom differ in size.
    int LiveKeys(int number)
    {
        QueryTile tile = Tile(0, number);
        if (tile.First >= tile.Last || Heads == 0) return 0;
        if (call.Plan?.Of(0, 0, number / tilesPerBlock) is { } planned) return planned.To - planned.From;
        KeyRange any = call.Visible.OfAny(0, tile.First, tile.Last);
        return any.To - any.From;
    }

    void FillCache()
    {
        int copies = (call.PresentRows + RowsPerCopy - 1) / RowsPerCopy;
        Workers.Run(parallel, checked(Heads * copies), KvCache<TLanes, TCodec, TStored>.ScratchFloats(call), (item, scratch) =>
        {
            int head = item / copies, from = item % copies * RowsPerCopy;
            int to = Math.Min(call.PresentRows, from + RowsPerCopy);
            KvCache<TLanes, TCodec, TStored>.Write(call, head / call.KvHeads, head % call.KvHeads, from, to, scratch);
        });
    }

    void RunItem(int item, float* scratch, float* partial)
    {
        // Items in a row share a head, whose keys and values then stay in the caches.
        int chunk = item % chunks, head = item / chunks / tiles;
        QueryTile tile = Tile(head, order[item / chunks % tiles]);
        int from = chunk * keysPerChunk, to = chunk == chunks - 1 ? int.MaxValue : from + keysPerChunk;
        if (tiles == 1) // This item alone reads these rows of the cache: it writes them, and finds them in its caches.
            KvCache<TLanes, TCodec, TStored>.Write(call, tile.Batch, tile.KvHead, from, Math.Min(to, call.PresentRows), scratch);
        if (tile.First >= tile.Last) return; // Behind the last query, or at the end of a block that tiles do not divide.
        KeyRange any = call.Visible.OfAny(tile.Batch, tile.First, tile.Last);
        var keys = new KeyRange(Math.Max(from, any.From), Math.Min(to, any.To));
        TTile work = TTile.Begin(call, tile, scratch);
        if (call.Plan is { } plan) AccumulatePlanned(work, tile, keys, plan);
        else Accumulate(work, tile, keys, null, 0);
        work.Finish(partial);
    }

    void AccumulatePlanned(TTile work, QueryTile tile, KeyRange keys, PlannedTiles plan)
    {
        int block = tile.First / queriesPerBlock;
        KeyRange planned = plan.Of(tile.Batch, tile.KvHead, block);
        for (int at = planned.From; at < planned.To; at++)
        {
            int start = plan.KeyOf(at), end = start + BlockMaskPlan.BlockK;
            long* bits = plan.BitsOf(at);
            if (bits != null) bits += tile.First - block * queriesPerBlock;
            // Full tiles that follow each other are one run.
            else for (; at + 1 < planned.To && plan.KeyOf(at + 1) == end && plan.BitsOf(at + 1) == null; at++) end += BlockMaskPlan.BlockK;
            Accumulate(work, tile, new(Math.Max(start, keys.From), Math.Min(end, keys.To)), bits, start);
        }
    }

    void Accumulate(TTile work, QueryTile tile, KeyRange keys, long* bits, int bitsStart)
    {
        for (int from = keys.From; from < keys.To; from += TTile.KeysPerBlock)
        {
            int to = Math.Min(keys.To, from + TTile.KeysPerBlock);
            bool masked = false;
            if (call.KeyMask != null)
            {
                var mask = new ReadOnlySpan<byte>(call.KeyMask + (long)tile.Batch * call.Total + from, to - from);
                masked = mask.Contains((byte)0);
                if (masked && !mask.ContainsAnyExcept((byte)0)) continue;
            }
            work.Accumulate(new KeyBlock(from, to - from, masked, bits, bitsStart));
        }
    }
}
