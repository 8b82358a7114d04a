namespace OnnxEff.CustomOps.Cpu;

/// <summary>Queries [First, Last) of one row that share a key head; row r of the tile is query First + r / G, head r % G.</summary>
readonly record struct QueryTile(int Batch, int KvHead, int First, int Last);

/// <summary>A run of keys for a tile.</summary>
/// <param name="start">First key.</param>
/// <param name="count">Number of keys.</param>
/// <param name="masked">key_mask hides some of them.</param>
/// <param name="bits">A word for each query of the tile, or null when no plan hides keys of this run.</param>
/// <param name="bitsStart">The key of the words' first bit.</param>
readonly unsafe struct KeyBlock(int start, int count, bool masked, long* bits, int bitsStart)
{
    /// <summary>First key.</summary>
    public int Start => start;

    /// <summary>Number of keys.</summary>
    public int Count => count;

    /// <summary>The key behind the last one.</summary>
    public int End => start + count;

    /// <summary>key_mask hides some of the keys.</summary>
    public bool Masked => masked;

    /// <summary>A plan hides some of the keys.</summary>
    public bool HasBits => bits != null;

    /// <summary>What a query sees, counted from the tile's first: bit 0 is <see cref="Start"/>.</summary>
    public ulong Bits(int query) => bits == null ? ulong.MaxValue : (ulong)bits[query] >> (start - bitsStart);

    /// <summary>A part of the run.</summary>
    public KeyBlock Slice(int from, int length) => new(from, length, masked, bits, bitsStart);
}

/// <summary>
/// A way to compute a tile: begin, accumulate runs of keys with an online softmax, finish. Per row it holds the running
/// maximum m, the sum l of exp(logit - m), and o = Σ exp(logit - m)·v.
/// </summary>
unsafe interface IAttentionTile<TSelf, TStored>
    where TSelf : IAttentionTile<TSelf, TStored>
    where TStored : unmanaged
{
    /// <summary>Most keys of a <see cref="KeyBlock"/>.</summary>
    static abstract int KeysPerBlock { get; }

    /// <summary>Floats of scratch for a tile of that many queries.</summary>
    static abstract nuint ScratchFloats(AttentionCall<TStored> call, int queries);

    /// <summary>Loads the queries.</summary>
    static abstract TSelf Begin(AttentionCall<TStored> call, QueryTile tile, float* scratch);

    /// <summary>Adds a run of keys.</summary>
    void Accumulate(KeyBlock block);

    /// <summary>Writes the rows' outputs, or, with a target, their partial state for <see cref="PartialRows{TLanes, TCodec, TStored}"/>.</summary>
    void Finish(float* partial);
}
