using OnnxEff.Ops;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>The outputs of <see cref="BlockMaskPlan"/> as an attention reads them.</summary>
sealed unsafe class PlannedTiles
{
    readonly int* splits, tiles;
    readonly long* bits;
    readonly long batchStride, headStride;

    public PlannedTiles(AttentionTensors x)
    {
        splits = (int*)x.PlanSplits.Data;
        tiles = (int*)x.PlanTiles.Data;
        bits = (long*)x.PlanBits.Data;
        long[] dims = x.PlanSplits.Dims!;
        BlockQ = (int)x.PlanBits.Dims![1];
        headStride = dims[1] == 1 ? 0 : dims[2];
        batchStride = dims[0] == 1 ? 0 : dims[1] * dims[2];
    }

    /// <summary>Queries of a block.</summary>
    public int BlockQ { get; }

    /// <summary>The tiles of a block of queries: the first, and the one behind the last.</summary>
    public KeyRange Of(int b, int kvHead, int block)
    {
        int* at = splits + b * batchStride + kvHead * headStride + block;
        return new(at[0], at[1]);
    }

    /// <summary>The first key of a tile.</summary>
    public int KeyOf(int tile) => tiles[2 * tile] * BlockMaskPlan.BlockK;

    /// <summary>A word for each query of the block, or null where all keys of the tile are seen.</summary>
    public long* BitsOf(int tile) => tiles[2 * tile + 1] < 0 ? null : bits + (long)tiles[2 * tile + 1] * BlockQ;

    /// <summary>True if query s sees the key.</summary>
    public bool Sees(int b, int kvHead, int s, int key)
    {
        KeyRange range = Of(b, kvHead, s / BlockQ);
        for (int tile = range.From; tile < range.To; tile++)
            if (KeyOf(tile) == key / BlockMaskPlan.BlockK * BlockMaskPlan.BlockK)
                return BitsOf(tile) is var words && (words == null || (words[s % BlockQ] >> (key % BlockMaskPlan.BlockK) & 1) != 0);
        return false;
    }
}
