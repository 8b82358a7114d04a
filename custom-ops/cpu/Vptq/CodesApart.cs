using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>Takes the indices of a vector's columns from their codes, a byte each; codebooks of at most 256 centroids.</summary>
/// <param name="columns">Whose.</param>
/// <param name="vector">Which.</param>
/// <param name="first">The column that goes to the first byte.</param>
/// <param name="main">Target of the main indices.</param>
/// <param name="residual">Target of the residual indices, if any.</param>
unsafe struct CodesApart(VectorColumns columns, int vector, int first, byte* main, byte* residual) : IColumnWork
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public void Run<TCodes, TStages>(int from, int to) where TCodes : ICodeReader where TStages : IStages
    {
        byte* row = columns.Row(vector);
        nint c = from;
        if (typeof(TCodes) == typeof(BytePairs) && TStages.HasResidual && Avx512Vbmi.IsSupported)
        {
            Vector512<byte> even = Vector512<byte>.Indices + Vector512<byte>.Indices, odd = even + Vector512<byte>.One;
            for (; c + Vector512<byte>.Count <= to; c += Vector512<byte>.Count)
            {
                Vector512<byte> lower = Vector512.Load(row + 2 * c), upper = Vector512.Load(row + 2 * c + Vector512<byte>.Count);
                Avx512Vbmi.PermuteVar64x8x2(lower, even, upper).Store(main + c - first);
                Avx512Vbmi.PermuteVar64x8x2(lower, odd, upper).Store(residual + c - first);
            }
        }
        for (; c < to; c++)
        {
            main[c - first] = (byte)TCodes.Main(row, c, columns.Width);
            if (TStages.HasResidual) residual[c - first] = (byte)TCodes.Residual(row, c, columns.Width);
        }
    }
}
