using System.Runtime.Intrinsics;
using OnnxEff.Ops;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>
/// Ancestors without a matrix: in depth-first order a token's descendants follow it, so that j is an ancestor of i, or i itself,
/// when i is entered at or after j and before j is left.
/// </summary>
sealed unsafe class TreeOrder
{
    const int Keys = BlockMaskPlan.BlockK;

    readonly PlanGeometry g;
    readonly bool isShared;
    readonly int[] enter, leave; // [B or 1, T rounded up]: keys before the new tokens are ancestors of all.

    /// <param name="geometry">Sizes.</param>
    /// <param name="parents">[B or 1, S], checked.</param>
    public TreeOrder(PlanGeometry geometry, TensorPointer parents)
    {
        g = geometry;
        int rows = (int)parents.Dims![0], width = g.KeyBlocks * Keys;
        isShared = rows == 1;
        (enter, leave) = (new int[rows * width], new int[rows * width]);
        Array.Fill(enter, int.MinValue);
        Array.Fill(leave, int.MaxValue);
        for (int b = 0; b < rows; b++)
            Order((long*)parents.Data + (long)b * g.Sequence, enter.AsSpan(b * width + g.Start, g.Sequence), leave.AsSpan(b * width + g.Start, g.Sequence));
    }

    /// <summary>The ancestors of new token s among the keys of a block.</summary>
    public ulong Ancestors(int b, int s, int block)
    {
        int row = isShared ? 0 : b * g.KeyBlocks * Keys, first = row + block * Keys;
        if ((block + 1) * Keys <= g.Start) return ulong.MaxValue;
        var own = Vector256.Create(enter[row + g.Start + s]);
        ulong word = 0;
        fixed (int* entered = &enter[first], left = &leave[first])
            for (int i = 0; i < Keys; i += Vector256<int>.Count)
            {
                Vector256<int> isAncestor = Vector256.LessThanOrEqual(Vector256.Load(entered + i), own) & Vector256.GreaterThan(Vector256.Load(left + i), own);
                word |= (ulong)isAncestor.ExtractMostSignificantBits() << i;
            }
        return word;
    }

    static void Order(long* parents, Span<int> enter, Span<int> leave)
    {
        int count = enter.Length, roots = 0;
        var sizes = new int[count]; // Of the subtrees.
        for (int s = count - 1; s >= 0; s--)
        {
            sizes[s]++;
            if (parents[s] >= 0) sizes[parents[s]] += sizes[s];
        }
        var next = new int[count]; // Where the next child is entered.
        for (int s = 0; s < count; s++)
        {
            ref int at = ref parents[s] < 0 ? ref roots : ref next[parents[s]];
            (enter[s], leave[s], next[s]) = (at, at + sizes[s], at + 1);
            at += sizes[s];
        }
    }
}
