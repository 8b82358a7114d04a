namespace OnnxEff.Ops;

/// <summary>The outputs of <see cref="BlockMaskPlan"/> as <see cref="BlockMaskedAttention"/> reads them.</summary>
/// <param name="Splits">[B or 1, H or 1, blocks + 1]</param>
/// <param name="Tiles">[N, 2]</param>
/// <param name="Bits">[M, block_q]</param>
public sealed record TilePlan(Dense<int> Splits, Dense<int> Tiles, Dense<long> Bits)
{
    /// <summary>True if query s sees key j by the plan.</summary>
    public bool Sees(int b, int h, int s, int key)
    {
        int blockQ = (int)Bits.Dims[1], block = s / blockQ;
        for (int at = Splits[b, h, block]; at < Splits[b, h, block + 1]; at++)
        {
            if (Tiles[at, 0] != key / BlockMaskPlan.BlockK) continue;
            return Tiles[at, 1] < 0 || (Bits.Data[(Tiles[at, 1] * blockQ) + (s % blockQ)] >> (key % BlockMaskPlan.BlockK) & 1) != 0;
        }
        return false;
    }

    /// <summary>Why the numbers of a plan lead out of it, or null.</summary>
    /// <param name="splits">Values of splits, whose last axis has <paramref name="blocks"/> + 1.</param>
    /// <param name="blocks">Blocks of queries.</param>
    /// <param name="tiles">Values of tiles.</param>
    /// <param name="total">T.</param>
    /// <param name="rowsOfBits">M.</param>
    public static string? Refusal(ReadOnlySpan<int> splits, int blocks, ReadOnlySpan<int> tiles, int total, long rowsOfBits)
    {
        int count = tiles.Length / 2, keyBlocks = (total + BlockMaskPlan.BlockK - 1) / BlockMaskPlan.BlockK;
        for (int i = 0; i < splits.Length; i++)
            if ((uint)splits[i] > (uint)count || (i % (blocks + 1) > 0 && splits[i] < splits[i - 1]))
                return $"plan_splits holds {splits[i]} at {i}: the numbers must rise from 0 to at most {count}.";
        for (int i = 0; i < tiles.Length; i += 2)
            if ((uint)tiles[i] >= (uint)keyBlocks || tiles[i + 1] < -1 || tiles[i + 1] >= rowsOfBits)
                return $"plan_tiles holds [{tiles[i]}, {tiles[i + 1]}], outside of {keyBlocks} blocks of keys and {rowsOfBits} rows of bits.";
        return null;
    }
}
