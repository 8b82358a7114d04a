using System.Runtime.InteropServices;
using OnnxEff.Ops;

namespace OnnxEff.CustomOps.Cpu;

/// <summary><see cref="BlockMaskPlan"/> on the CPU: a word of 64 keys at a time; what is kept are the words of partial tiles.</summary>
public static class BlockMaskPlanKernel
{
    /// <summary>Computes one call.</summary>
    /// <param name="attributes">The node's attributes.</param>
    /// <param name="geometry">What <see cref="PlanTensors.Check"/> returned for the tensors.</param>
    /// <param name="tensors">Inputs.</param>
    /// <param name="parallel">Threads, or null.</param>
    public static PlanResult Run(PlanAttributes attributes, PlanGeometry geometry, PlanTensors tensors, ParallelFor? parallel)
    {
        var words = new MaskWords(attributes, geometry, tensors);
        var blocks = new PlanBlock[geometry.Batch * geometry.Heads * geometry.QueryBlocks];
        Workers.Run(parallel, blocks.Length, item =>
        {
            int row = item / geometry.QueryBlocks, first = item % geometry.QueryBlocks * attributes.BlockQ;
            blocks[item] = PlanBlock.Of(words, row / geometry.Heads, row % geometry.Heads, first, Math.Min(geometry.Sequence, first + attributes.BlockQ), attributes.BlockQ);
        });
        return new(blocks, geometry, attributes.BlockQ);
    }
}

/// <summary>The tiles of one block of queries.</summary>
readonly record struct PlanBlock(int[] Full, int[] Partial, ulong[] Bits)
{
    public static PlanBlock Of(MaskWords words, int b, int h, int first, int last, int blockQ)
    {
        List<int> full = [], partial = [];
        List<ulong> bits = [];
        Span<ulong> rows = stackalloc ulong[blockQ];
        rows[(last - first)..].Clear();
        KeyRange blocks = words.Blocks(first, last);
        for (int block = blocks.From; block < blocks.To; block++)
        {
            ulong some = 0, every = ulong.MaxValue;
            for (int s = first; s < last; s++)
            {
                ulong word = rows[s - first] = words.Of(b, h, s, block);
                some |= word;
                every &= word;
            }
            if (every == words.All(block)) full.Add(block);
            else if (some != 0)
            {
                partial.Add(block);
                bits.AddRange(rows);
            }
        }
        return new([.. full], [.. partial], [.. bits]);
    }
}

/// <summary>A plan before its outputs have memory: their sizes are known only now.</summary>
public sealed class PlanResult
{
    readonly PlanBlock[] blocks;
    readonly int queryBlocks;

    internal PlanResult(PlanBlock[] blocks, PlanGeometry geometry, int blockQ)
    {
        (this.blocks, queryBlocks) = (blocks, geometry.QueryBlocks);
        SplitsDims = [geometry.Batch, geometry.Heads, queryBlocks + 1];
        TilesDims = [blocks.Sum(b => (long)b.Full.Length + b.Partial.Length), 2];
        BitsDims = [blocks.Sum(b => (long)b.Partial.Length), blockQ];
    }

    /// <summary>Sizes of splits.</summary>
    public long[] SplitsDims { get; }

    /// <summary>Sizes of tiles.</summary>
    public long[] TilesDims { get; }

    /// <summary>Sizes of bits.</summary>
    public long[] BitsDims { get; }

    /// <summary>Fills the outputs; null for what nobody asks for.</summary>
    public unsafe void Write(int* splits, int* tiles, long* bits)
    {
        int tile = 0, row = 0;
        if (queryBlocks == 0 && splits != null) new Span<int>(splits, (int)(SplitsDims[0] * SplitsDims[1])).Clear();
        for (int item = 0; item < blocks.Length; item++)
        {
            PlanBlock block = blocks[item];
            if (splits != null)
            {
                *splits++ = tile;
                if (item % queryBlocks == queryBlocks - 1) *splits++ = tile + block.Full.Length + block.Partial.Length;
            }
            for (int i = 0; i < block.Full.Length + block.Partial.Length; i++, tile++)
            {
                bool isFull = i < block.Full.Length;
                if (tiles == null) continue;
                *tiles++ = isFull ? block.Full[i] : block.Partial[i - block.Full.Length];
                *tiles++ = isFull ? -1 : row + i - block.Full.Length;
            }
            row += block.Partial.Length;
            if (bits == null) continue;
            MemoryMarshal.Cast<ulong, long>(block.Bits).CopyTo(new(bits, block.Bits.Length));
            bits += block.Bits.Length;
        }
    }
}
