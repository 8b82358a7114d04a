using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>
/// The product of centroids of up to 8 floats with eight tokens, on AVX-512: a register holds a centroid twice, for two tokens, so that each code is taken from its bits
/// once for all of them.
/// </summary>
static unsafe class EightTokens
{
    const int ColumnsPerSum = 512; // Short sums are more exact; their activations, 16 KiB, stay in the first cache.

    /// <summary>Tokens of a step.</summary>
    public const int Count = 8;

    /// <summary>Fewer tokens take less time four by four.</summary>
    public const int Fewest = 5;

    /// <summary>Whether the processor runs it.</summary>
    public static bool IsSupported => Avx512DQ.IsSupported;

    /// <summary>y[t][o] += Σ x[t][j] · Q[o][j] over all columns, for at most eight tokens.</summary>
    /// <param name="columns">Groups, or the outliers, with centroids of 5 to 8 floats.</param>
    /// <param name="x">Activations [tokens, K] in the stored order of columns.</param>
    /// <param name="y">Outputs [tokens, N].</param>
    /// <param name="size">Tokens, K and N.</param>
    /// <param name="parallel">Threads, or null.</param>
    public static void Add(VectorColumns[] columns, float* x, float* y, ProductSize size, ParallelFor? parallel)
    {
        using var scratch = new Scratch(checked((nuint)Count * (nuint)size.Inputs * sizeof(float)));
        var packed = (float*)scratch.Bytes;
        TokenPanels.Pack(x, packed, Count, size, null);
        int vectors = columns[0].Vectors;
        Workers.RunRanges(parallel, (vectors + 1) / 2, 2 * Count * (nuint)V256.Count, (from, to, sums) =>
        {
            for (int vector = 2 * from; vector < Math.Min(2 * to, vectors); vector += 2)
            {
                new Span<float>(sums, 2 * Count * V256.Count).Clear();
                foreach (VectorColumns group in columns)
                {
                    var work = new TwoVectorsOfEightTokens(group, vector, packed + (long)group.First * Count, sums);
                    for (int c = 0; c < group.Count; c += ColumnsPerSum) group.Visit(ref work, c, Math.Min(group.Count, c + ColumnsPerSum));
                }
                for (int t = 0; t < size.Tokens; t++)
                {
                    StreamProduct<V256>.Put(columns[0], vector, 0, t, sums + t * V256.Count, y, size);
                    StreamProduct<V256>.Put(columns[0], vector + 1, 0, t, sums + (Count + t) * V256.Count, y, size);
                }
            }
        });
    }
}

/// <summary>Two vectors of outputs and eight tokens: x[c][t] · centroid for each column.</summary>
/// <param name="columns">Whose.</param>
/// <param name="vector">The first of the two.</param>
/// <param name="x">Activations [columns, 8].</param>
/// <param name="sums">[2, 8 tokens, 8 floats], added to.</param>
unsafe struct TwoVectorsOfEightTokens(VectorColumns columns, int vector, float* x, float* sums) : IColumnWork
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public void Run<TCodes, TStages>(int from, int to) where TCodes : ICodeReader where TStages : IStages
    {
        byte* r0 = columns.Row(vector), r1 = columns.Row(vector + 1);
        float* main = columns.Main, residual = columns.Residual, activations = x;
        CodeWidth width = columns.Width;
        int shift = columns.StrideBits;
        Vector512<int> first = Vector512.Create(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1), second = first + Vector512.Create(2);
        Vector512<int> third = first + Vector512.Create(4), fourth = first + Vector512.Create(6);
        Vector512<float> a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default, b2 = default, b3 = default;
        for (nint c = from; c < to; c++)
        {
            Vector512<float> v = Avx512DQ.BroadcastVector256ToVector512(main + ((nint)TCodes.Main(r0, c, width) << shift));
            Vector512<float> w = Avx512DQ.BroadcastVector256ToVector512(main + ((nint)TCodes.Main(r1, c, width) << shift));
            if (TStages.HasResidual)
            {
                v += Avx512DQ.BroadcastVector256ToVector512(residual + ((nint)TCodes.Residual(r0, c, width) << shift));
                w += Avx512DQ.BroadcastVector256ToVector512(residual + ((nint)TCodes.Residual(r1, c, width) << shift));
            }
            Vector512<float> eight = Vector256.Load(activations + c * EightTokens.Count).ToVector512Unsafe();
            Vector512<float> pair = Avx512F.PermuteVar16x32(eight, first);
            a0 = Avx512F.FusedMultiplyAdd(pair, v, a0);
            b0 = Avx512F.FusedMultiplyAdd(pair, w, b0);
            pair = Avx512F.PermuteVar16x32(eight, second);
            a1 = Avx512F.FusedMultiplyAdd(pair, v, a1);
            b1 = Avx512F.FusedMultiplyAdd(pair, w, b1);
            pair = Avx512F.PermuteVar16x32(eight, third);
            a2 = Avx512F.FusedMultiplyAdd(pair, v, a2);
            b2 = Avx512F.FusedMultiplyAdd(pair, w, b2);
            pair = Avx512F.PermuteVar16x32(eight, fourth);
            a3 = Avx512F.FusedMultiplyAdd(pair, v, a3);
            b3 = Avx512F.FusedMultiplyAdd(pair, w, b3);
        }
        Add(0, a0);
        Add(1, a1);
        Add(2, a2);
        Add(3, a3);
        Add(4, b0);
        Add(5, b1);
        Add(6, b2);
        Add(7, b3);
    }

    readonly void Add(int at, Vector512<float> value)
    {
        float* target = sums + at * Vector512<float>.Count;
        (Vector512.Load(target) + value).Store(target);
    }
}
