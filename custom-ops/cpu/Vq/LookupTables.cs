using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>Makes the tables of products: T[g][c] = Σ codebook[c][i] · x[g·v + i], as bytes with a scale for each block.</summary>
static unsafe class LookupTables<TLanes> where TLanes : unmanaged, ILanes<TLanes>
{
    const float Steps = TableLayout.Zero - 1;
    const float FineSteps = 2 * Steps; // Steps of the second plane in one of the first: rounding leaves half a step to each side.
    const int GroupsPerLine = 2; // Of a register of centroids: as fast as memory is read beside it.
    const float Smallest = 1e-30f; // Products below are zero; the reciprocal of the scale stays finite.

    /// <summary>Fills tables and scales of some blocks and tokens, counted in the order in which they lie.</summary>
    /// <param name="layout">Sizes.</param>
    /// <param name="codebook">Centroids.</param>
    /// <param name="columns">Activations [tokens, G·v] in the stored order; zeros behind K.</param>
    /// <param name="from">The first block.</param>
    /// <param name="to">The block behind the last.</param>
    /// <param name="tables">Target, laid out by <paramref name="layout"/>.</param>
    /// <param name="scales">One for each plane.</param>
    /// <param name="ahead">What is read next.</param>
    public static void Write(TableLayout layout, VqCodebook codebook, float* columns, int from, int to, byte* tables, float* scales, Ahead ahead)
    {
        for (int at = from; at < to; at++)
        {
            (int block, int token) = (at / layout.Tokens, at % layout.Tokens);
            float* x = columns + ((long)token * layout.Groups + block * TableLayout.BlockGroups) * layout.VectorLength;
            long plane = (long)at * layout.Planes;
            WriteBlock(layout, codebook, x, layout.GroupsOf(block), tables + plane * layout.PlaneBytes, scales + plane, ref ahead);
        }
    }

    static void WriteBlock(TableLayout layout, VqCodebook codebook, float* x, int groups, byte* tables, float* scales, ref Ahead ahead)
    {
        bool isFinite = LaneMath<TLanes>.AllFinite(x, (long)groups * layout.VectorLength);
        if (isFinite && layout.Planes == 1 && TryWords(layout, codebook, x, groups, tables, out *scales, ref ahead)) return;
        float* centroids = codebook.Floats;
        float largest = isFinite ? Largest(layout, centroids, x, groups, ref ahead) : float.NaN;
        float step = largest < float.PositiveInfinity ? largest / Steps : float.NaN; // What is not finite makes its token's sums NaN.
        float inverse = largest is >= Smallest and < float.PositiveInfinity ? Steps / largest : 0;
        scales[0] = inverse == 0 ? step * 0 : step;
        if (layout.Planes == 1)
        {
            WriteOne(layout, centroids, x, groups, inverse, tables, ref ahead);
            return;
        }
        scales[1] = scales[0] / FineSteps;
        WriteTwo(layout, centroids, x, groups, inverse, tables, tables + layout.PlaneBytes, ref ahead);
    }

    static bool TryWords(TableLayout layout, VqCodebook codebook, float* x, int groups, byte* table, out float scale, ref Ahead ahead) =>
        typeof(TLanes) == typeof(V512) ? WordTables<Words512, V512>.TryWrite(layout, codebook, x, groups, table, out scale, ref ahead)
        : typeof(TLanes) == typeof(V256) ? WordTables<Words256, V256>.TryWrite(layout, codebook, x, groups, table, out scale, ref ahead)
        : WordTables<Words128, V128>.TryWrite(layout, codebook, x, groups, table, out scale, ref ahead);

    static float Largest(TableLayout layout, float* codebook, float* x, int groups, ref Ahead ahead)
    {
        TLanes most = default, least = default; // Chains of their own: one would wait twice.
        for (int c = 0; c < layout.Centroids; c += TLanes.Count)
        {
            ahead.Next(groups / GroupsPerLine);
            var centroids = new Centroids(layout, codebook + c, 1);
            float* input = x;
            for (int g = 0; g < groups; g++, input += layout.VectorLength)
            {
                TLanes product = centroids.Times(input, layout.VectorLength, default);
                most = TLanes.Max(most, product);
                least = TLanes.Max(least, TLanes.Subtract(default, product));
            }
        }
        Vector128<float> four = TLanes.FoldMax(TLanes.Max(most, least));
        return MathF.Max(MathF.Max(four[0], four[1]), MathF.Max(four[2], four[3]));
    }

    static void WriteOne(TableLayout layout, float* codebook, float* x, int groups, float inverse, byte* table, ref Ahead ahead)
    {
        TLanes zero = TLanes.Create(TableLayout.Zero);
        for (int c = 0; c < layout.Centroids; c += TLanes.Count)
        {
            ahead.Next(groups / GroupsPerLine);
            var centroids = new Centroids(layout, codebook + c, inverse);
            float* input = x;
            for (nint at = c, end = (nint)groups * layout.Centroids; at < end; at += layout.Centroids, input += layout.VectorLength) TLanes.StoreBytes(centroids.Times(input, layout.VectorLength, zero), table + at);
        }
    }

    static void WriteTwo(TableLayout layout, float* codebook, float* x, int groups, float inverse, byte* first, byte* second, ref Ahead ahead)
    {
        // Adding 1.5·2²³ leaves the nearest integer in the low bits of the sum.
        TLanes zero = TLanes.Create(TableLayout.Zero), fine = TLanes.Create(FineSteps), magic = TLanes.Create(12582912f);
        for (int c = 0; c < layout.Centroids; c += TLanes.Count)
        {
            ahead.Next(groups / GroupsPerLine);
            var centroids = new Centroids(layout, codebook + c, inverse);
            float* input = x;
            for (nint at = c, end = (nint)groups * layout.Centroids; at < end; at += layout.Centroids, input += layout.VectorLength)
            {
                TLanes product = centroids.Times(input, layout.VectorLength, default), rounded = TLanes.Subtract(TLanes.Add(product, magic), magic);
                TLanes.StoreBytes(TLanes.Add(rounded, zero), first + at);
                TLanes.StoreBytes(TLanes.MultiplyAdd(TLanes.Subtract(product, rounded), fine, zero), second + at);
            }
        }
    }

    /// <summary>As many centroids as there are lanes, in registers for all groups of a block.</summary>
    readonly struct Centroids
    {
        readonly TLanes _first, _second, _third, _fourth;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Centroids(TableLayout layout, float* codebook, float factor)
        {
            TLanes factors = TLanes.Create(factor);
            _first = TLanes.Multiply(TLanes.Load(codebook), factors);
            _second = TLanes.Multiply(TLanes.Load(codebook + layout.Centroids), factors);
            if (layout.VectorLength == 2) return;
            _third = TLanes.Multiply(TLanes.Load(codebook + 2 * layout.Centroids), factors);
            _fourth = TLanes.Multiply(TLanes.Load(codebook + 3 * layout.Centroids), factors);
        }

        /// <summary>sum + their products with the inputs of a group.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TLanes Times(float* x, int vectorLength, TLanes sum)
        {
            sum = TLanes.MultiplyAdd(_first, TLanes.Create(x[0]), sum);
            sum = TLanes.MultiplyAdd(_second, TLanes.Create(x[1]), sum);
            if (vectorLength == 2) return sum;
            sum = TLanes.MultiplyAdd(_third, TLanes.Create(x[2]), sum);
            return TLanes.MultiplyAdd(_fourth, TLanes.Create(x[3]), sum);
        }
    }
}
