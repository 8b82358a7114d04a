using System.Numerics;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using OnnxEff.Formats;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>
/// The product for few tokens where centroids and activations may be rounded to bytes and the processor looks bytes up in whole registers (AVX-512 VBMI) and sums four
/// products of them (VNNI): 128 codes of a vector at a time, one component of their centroids after the other.
/// </summary>
public static unsafe class ByteCentroids
{
    const int Line = 64; // Codes of a register.
    const int StepColumns = 2 * Line; // Activations that share a step: half as many would take a third longer.
    const int SegmentColumns = 2048; // Activations of all tokens, codes and tables of a segment fit the first cache.

    /// <summary>Tokens of a pass.</summary>
    internal const int MostTokens = 8;

    static delegate* unmanaged[Cdecl, SuppressGCTransition]<byte*, byte*, nint, byte*, nint, sbyte*, float*, nint, float*, void> s_multiply;

    /// <summary>True where the processor has what the function needs.</summary>
    public static bool ProcessorTakes { get; } = Avx512Vbmi.IsSupported && BytePanels.ProcessorTakes;

    /// <summary>Gives the function onnxeff_centroids_multiply of custom-ops/native/Leaf, or takes it away with 0.</summary>
    public static void Use(nint multiply) => s_multiply = (delegate* unmanaged[Cdecl, SuppressGCTransition]<byte*, byte*, nint, byte*, nint, sbyte*, float*, nint, float*, void>)multiply;

    /// <summary>True when products with these columns are computed here.</summary>
    internal static bool Takes(VptqLayout layout) => s_multiply != null && layout.MainBits <= 8 && layout.CodeBits - layout.MainBits <= 8;

    /// <summary>y[t][o] += Σ x[t][j] · Q[o][j] over all columns, for at most eight tokens.</summary>
    /// <param name="groups">Groups of columns.</param>
    /// <param name="tables">The <see cref="CentroidTables"/> of each group.</param>
    /// <param name="tableBytes">Bytes from those of a group to the next's.</param>
    /// <param name="x">Activations [tokens, K] in the stored order of columns.</param>
    /// <param name="y">Outputs [tokens, N].</param>
    /// <param name="size">Tokens, K and N.</param>
    /// <param name="parallel">Threads, or null.</param>
    internal static void Add(VectorColumns[] groups, byte* tables, nint tableBytes, float* x, float* y, ProductSize size, ParallelFor? parallel)
    {
        int components = groups[0].VectorLength, groupSteps = (groups[0].Count + StepColumns - 1) / StepColumns;
        int tokens = (int)BitOperations.RoundUpToPowerOf2((uint)size.Tokens); // Those behind the last are zero.
        nint allSteps = (nint)groupSteps * groups.Length * tokens;
        using var work = new Scratch(checked((nuint)(allSteps * (StepColumns + 2 * sizeof(float)))));
        var bytes = (sbyte*)work.Bytes;
        float* scales = (float*)(bytes + allSteps * StepColumns), starts = scales + allSteps;
        // First the activations' bytes, then the vectors.
        WorkRange prepare = (from, to, _) =>
        {
            for (int g = from; g < to; g++)
                for (int t = 0; t < tokens; t++)
                {
                    float* row = t < size.Tokens ? x + (long)t * size.Inputs + groups[g].First : null;
                    nint at = (nint)g * groupSteps * tokens + t;
                    RoundToken(groups[g], groupSteps, row, bytes + at * StepColumns, scales + at, starts + at, tokens);
                }
        };
        Workers.RunRanges(parallel, groups.Length, prepare, groups[0].Vectors, (nuint)(2 * SegmentColumns / sizeof(float) + components * MostTokens), (from, to, scratch) =>
        {
            byte* main = (byte*)scratch, residual = main + SegmentColumns;
            float* sums = scratch + 2 * SegmentColumns / sizeof(float), start = stackalloc float[MostTokens];
            for (int g = 0; g < groups.Length; g++)
                for (int first = 0; first < groups[g].Count; first += SegmentColumns)
                {
                    int end = Math.Min(groups[g].Count, first + SegmentColumns), lines = (end - first + Line - 1) / Line;
                    nint at = ((nint)g * groupSteps + first / StepColumns) * tokens;
                    byte* tablesOf = tables + g * tableBytes;
                    for (int t = 0; t < tokens; t++) start[t] = StartOf(starts + at + t, (lines + 1) / 2, tokens);
                    for (int vector = from; vector < to; vector++)
                    {
                        var apart = new CodesApart(groups[g], vector, first, main, residual);
                        groups[g].Visit(ref apart, first, end);
                        if (vector + 1 < to) Prefetch.Bytes(groups[g].Row(vector + 1) + (nint)first * groups[g].Width.Bits / 8, (nint)(end - first) * groups[g].Width.Bits / 8);
                        s_multiply(main, groups[g].HasResidual ? residual : null, lines, tablesOf, components, bytes + at * StepColumns, scales + at, tokens, sums);
                        Put(groups[g], vector, CentroidTables.Steps(tablesOf, components), sums, start, tokens, y, size);
                    }
                }
        });
    }

    static void Put(VectorColumns columns, int vector, float* steps, float* sums, float* start, int tokens, float* y, ProductSize size)
    {
        int first = vector * columns.VectorLength, count = Math.Min(columns.VectorLength, size.Outputs - first);
        for (int i = 0; i < count; i++, sums += tokens)
            for (int t = 0; t < size.Tokens; t++) y[(long)t * size.Outputs + first + i] += steps[i] * (sums[t] + start[t]);
    }

    // What weights, which have been moved up, add too much.
    static float StartOf(float* starts, int steps, int tokens)
    {
        float sum = 0;
        for (; steps > 0; steps--, starts += tokens) sum += *starts;
        return sum;
    }

    // bytes [steps][tokens][128], scales and starts [steps][tokens]; columns behind the group's last one are zero.
    static void RoundToken(VectorColumns group, int steps, float* x, sbyte* bytes, float* scales, float* starts, int tokens)
    {
        float* last = stackalloc float[StepColumns];
        for (int step = 0; step < steps; step++, bytes += tokens * StepColumns, scales += tokens, starts += tokens)
        {
            int count = x == null ? 0 : Math.Min(StepColumns, group.Count - step * StepColumns);
            float* from = x + step * StepColumns;
            if (count < StepColumns)
            {
                new Span<float>(last, StepColumns).Clear();
                new ReadOnlySpan<float>(from, count).CopyTo(new(last, count));
                from = last;
            }
            *scales = RoundStep(from, bytes, out int sum);
            *starts = -CentroidTables.Middle * *scales * sum;
        }
    }

    // What is not finite makes the step NaN, and with it the token's outputs.
    static float RoundStep(float* x, sbyte* target, out int sum)
    {
        Vector512<float> top = default, odd = default;
        for (int i = 0; i < StepColumns; i += Vector512<float>.Count) ByteSteps.Meet(Vector512.Load(x + i), ref top, ref odd);
        float step = ByteSteps.Of(ByteSteps.Greatest(top), Vector512.Sum(odd), out float factor);
        Vector512<int> sums = default;
        for (int i = 0; i < StepColumns; i += Vector512<float>.Count)
        {
            Vector512<int> whole = Avx512F.ConvertToVector512Int32(Vector512.Load(x + i) * factor);
            Avx512F.ConvertToVector128SByteWithSaturation(whole).Store(target + i);
            sums += whole;
        }
        sum = Vector512.Sum(sums);
        return step;
    }
}
