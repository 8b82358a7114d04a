namespace OnnxEff.CustomOps.Cpu;

/// <summary>Queries [First, Last) of one row that share a key head; row r of the tile is query First + r / G, head r % G.</summary>
readonly record struct QueryTile(int Batch, int KvHead, int First, int Last);

/// <summary>A run of keys for a tile.</summary>
/// <param name="Start">First key.</param>
/// <param name="Count">Number of keys.</param>
/// <param name="Masked">key_mask hides some of them.</param>
readonly record struct KeyBlock(int Start, int Count, bool Masked)
{
    /// <summary>The key behind the last one.</summary>
    public int End => Start + Count;
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
