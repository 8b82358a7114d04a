using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>Makes the tables of products: T[g][c] = Σ codebook[c][i] · x[g·v + i], as bytes with a scale for each block.</summary>
static unsafe class LookupTables<TLanes> where TLanes : unmanaged, ILanes<TLanes>
{
    const float Steps = TableLayout.Zero - 1;
    const float FineSteps = 2 * Steps; // Steps of the second plane in one of the first: rounding leaves half a step to each side.
    const float Smallest = 1e-30f; // Products below are zero; the reciprocal of the scale stays finite.
    const long ProductsWorthThreads = 1 << 17;

    /// <summary>Fills tables and scales of all tokens.</summary>
    /// <param name="layout">Sizes.</param>
    /// <param name="codebook">[v, k]: the centroids' components, transposed.</param>
    /// <param name="columns">Activations [tokens, G·v] in the stored order; zeros behind K.</param>
    /// <param name="tokens">Tokens.</param>
    /// <param name="tables">Target, laid out by <paramref name="layout"/>.</param>
    /// <param name="scales">One for each plane of each block of each token.</param>
    /// <param name="parallel">Threads, or null.</param>
    public static void Write(TableLayout layout, float* codebook, float* columns, int tokens, byte* tables, float* scales, ParallelFor? parallel)
    {
        if ((long)tokens * layout.Groups * layout.Centroids < ProductsWorthThreads) parallel = null;
        Workers.Run(parallel, tokens * layout.Blocks, item =>
        {
            (int token, int block) = (item / layout.Blocks, item % layout.Blocks);
            float* x = columns + ((long)token * layout.Groups + block * TableLayout.BlockGroups) * layout.VectorLength;
            long plane = layout.PlaneOf(token, block);
            WriteBlock(layout, codebook, x, layout.GroupsOf(block), tables + plane * layout.PlaneBytes, scales + plane);
        });
    }

    static void WriteBlock(TableLayout layout, float* codebook, float* x, int groups, byte* tables, float* scales)
    {
        bool isFinite = LaneMath<TLanes>.AllFinite(x, (long)groups * layout.VectorLength);
        float largest = isFinite ? Largest(layout, codebook, x, groups) : float.NaN;
        float step = largest < float.PositiveInfinity ? largest / Steps : float.NaN; // What is not finite makes its token's sums NaN.
        float inverse = largest is >= Smallest and < float.PositiveInfinity ? Steps / largest : 0;
        scales[0] = inverse == 0 ? step * 0 : step;
        if (layout.Planes == 1)
        {
            WriteOne(layout, codebook, x, groups, inverse, tables);
            return;
        }
        scales[1] = scales[0] / FineSteps;
        WriteTwo(layout, codebook, x, groups, inverse, tables, tables + layout.PlaneBytes);
    }

    static float Largest(TableLayout layout, float* codebook, float* x, int groups)
    {
        TLanes largest = default;
        for (int g = 0; g < groups; g++, x += layout.VectorLength)
            for (int c = 0; c < layout.Centroids; c += TLanes.Count)
            {
                TLanes product = Product(layout, codebook + c, x, default, 1);
                largest = TLanes.Max(TLanes.Max(largest, product), TLanes.Subtract(default, product));
            }
        Vector128<float> four = TLanes.FoldMax(largest);
        return MathF.Max(MathF.Max(four[0], four[1]), MathF.Max(four[2], four[3]));
    }

    static void WriteOne(TableLayout layout, float* codebook, float* x, int groups, float inverse, byte* table)
    {
        TLanes zero = TLanes.Create(TableLayout.Zero);
        for (int g = 0; g < groups; g++, x += layout.VectorLength)
            for (int c = 0; c < layout.Centroids; c += TLanes.Count, table += TLanes.Count)
                TLanes.StoreBytes(Product(layout, codebook + c, x, zero, inverse), table);
    }

    static void WriteTwo(TableLayout layout, float* codebook, float* x, int groups, float inverse, byte* first, byte* second)
    {
        // Adding 1.5·2²³ leaves the nearest integer in the low bits of the sum.
        TLanes zero = TLanes.Create(TableLayout.Zero), fine = TLanes.Create(FineSteps), magic = TLanes.Create(12582912f);
        for (int g = 0; g < groups; g++, x += layout.VectorLength)
            for (int c = 0; c < layout.Centroids; c += TLanes.Count, first += TLanes.Count, second += TLanes.Count)
            {
                TLanes product = Product(layout, codebook + c, x, default, inverse), rounded = TLanes.Subtract(TLanes.Add(product, magic), magic);
                TLanes.StoreBytes(TLanes.Add(rounded, zero), first);
                TLanes.StoreBytes(TLanes.MultiplyAdd(TLanes.Subtract(product, rounded), fine, zero), second);
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static TLanes Product(TableLayout layout, float* codebook, float* x, TLanes sum, float factor)
    {
        sum = TLanes.MultiplyAdd(TLanes.Create(x[0] * factor), codebook, sum);
        sum = TLanes.MultiplyAdd(TLanes.Create(x[1] * factor), codebook + layout.Centroids, sum);
        if (layout.VectorLength == 2) return sum;
        sum = TLanes.MultiplyAdd(TLanes.Create(x[2] * factor), codebook + 2 * layout.Centroids, sum);
        return TLanes.MultiplyAdd(TLanes.Create(x[3] * factor), codebook + 3 * layout.Centroids, sum);
    }
}
