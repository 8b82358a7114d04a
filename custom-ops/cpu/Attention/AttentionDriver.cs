namespace OnnxEff.CustomOps.Cpu;

/// <summary>Cuts a call into items of work for one strategy: a tile of queries and a chunk of keys each.</summary>
/// <remarks>Every size here follows from the shapes alone: results are the same for any number of threads.</remarks>
sealed unsafe class AttentionDriver<TTile, TLanes, TCodec, TStored>
    where TTile : struct, IAttentionTile<TTile, TStored>
    where TLanes : unmanaged, ILanes<TLanes>
    where TCodec : ICodec<TStored>
    where TStored : unmanaged
{
    const long ProductsWorthThreads = 1 << 17; // Below it a call takes less than handing it to another thread.
    const int RowsPerCopy = 512;

    readonly AttentionCall<TStored> call;
    readonly int queriesPerTile, tiles, keysPerChunk, chunks;
    readonly ParallelFor? parallel;

    public AttentionDriver(AttentionCall<TStored> call, int queriesPerTile, int keysPerChunk, ParallelFor? parallel)
    {
        this.call = call;
        this.queriesPerTile = queriesPerTile;
        this.keysPerChunk = keysPerChunk;
        tiles = (call.Sequence + queriesPerTile - 1) / queriesPerTile;
        // Splitting over keys is for calls that have no other work to share.
        chunks = tiles == 1 ? Math.Max(1, (call.Total + keysPerChunk - 1) / keysPerChunk) : 1;
        long products = (long)call.Batch * call.QueryHeads * call.Sequence * call.Total * Math.Max(call.HeadSize, call.ValueHeadSize);
        this.parallel = products < ProductsWorthThreads ? null : parallel;
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

    QueryTile Tile(int head, int tile) =>
        new(head / call.KvHeads, head % call.KvHeads, tile * queriesPerTile, Math.Min(call.Sequence, (tile + 1) * queriesPerTile));

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
        // Items in a row share a head, whose keys and values then stay in the caches. Of its tiles the late ones see the most
        // keys under a causal mask: they go first.
        int chunk = item % chunks, head = item / chunks / tiles;
        QueryTile tile = Tile(head, tiles - 1 - item / chunks % tiles);
        int from = chunk * keysPerChunk, to = chunk == chunks - 1 ? int.MaxValue : from + keysPerChunk;
        if (tiles == 1) // This item alone reads these rows of the cache: it writes them, and finds them in its caches.
            KvCache<TLanes, TCodec, TStored>.Write(call, tile.Batch, tile.KvHead, from, Math.Min(to, call.PresentRows), scratch);
        KeyRange any = call.Visible.OfAny(tile.Batch, tile.First, tile.Last);
        (from, to) = (Math.Max(from, any.From), Math.Min(to, any.To));
        TTile work = TTile.Begin(call, tile, scratch);
        for (int key = from; key < to; key += TTile.KeysPerBlock)
            Accumulate(work, tile, key, Math.Min(to, key + TTile.KeysPerBlock));
        work.Finish(partial);
    }

    void Accumulate(TTile work, QueryTile tile, int from, int to)
    {
        bool masked = false;
        if (call.KeyMask != null)
        {
            var mask = new ReadOnlySpan<byte>(call.KeyMask + (long)tile.Batch * call.Total + from, to - from);
            masked = mask.Contains((byte)0);
            if (masked && !mask.ContainsAnyExcept((byte)0)) return;
        }
        work.Accumulate(new KeyBlock(from, to - from, masked));
    }
}
