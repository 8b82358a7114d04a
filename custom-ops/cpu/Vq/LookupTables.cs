using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>Makes the tables of products: T[g][c] = Σ codebook[c][i] · x[g·v + i], as bytes with a scale for each block.</summary>
static unsafe class LookupTables<TLanes> where TLanes : unmanaged, ILanes<TLanes>
{
    const float Steps = TableLayout.Zero - 1;
    const float FineSteps = 2 * Steps; // Steps of the second plane in one of the first: rounding leaves half a step to each side.
    const float Smallest = 1e-30f; // Products below are zero; the reciprocal of the scale stays finite.

    /// <summary>Fills tables and scales of some blocks, counted through all tokens.</summary>
    /// <param name="layout">Sizes.</param>
    /// <param name="codebook">[v, k]: the centroids' components, transposed.</param>
    /// <param name="columns">Activations [tokens, G·v] in the stored order; zeros behind K.</param>
    /// <param name="from">The first block.</param>
    /// <param name="to">The block behind the last.</param>
    /// <param name="tables">Target, laid out by <paramref name="layout"/>.</param>
    /// <param name="scales">One for each plane of each block of each token.</param>
    public static void Write(TableLayout layout, float* codebook, float* columns, int from, int to, byte* tables, float* scales)
    {
        for (int at = from; at < to; at++)
        {
            (int token, int block) = (at / layout.Blocks, at % layout.Blocks);
            float* x = columns + ((long)token * layout.Groups + block * TableLayout.BlockGroups) * layout.VectorLength;
            long plane = layout.PlaneOf(token, block);
            WriteBlock(layout, codebook, x, layout.GroupsOf(block), tables + plane * layout.PlaneBytes, scales + plane);
        }
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
        TLanes most = default, least = default; // Chains of their own: one would wait twice.
        for (int g = 0; g < groups; g++, x += layout.VectorLength)
        {
            var vector = new Inputs(layout, x, 1);
            for (int c = 0; c < layout.Centroids; c += TLanes.Count)
            {
                TLanes product = vector.Times(codebook + c, default);
                most = TLanes.Max(most, product);
                least = TLanes.Max(least, TLanes.Subtract(default, product));
            }
        }
        Vector128<float> four = TLanes.FoldMax(TLanes.Max(most, least));
        return MathF.Max(MathF.Max(four[0], four[1]), MathF.Max(four[2], four[3]));
    }

    static void WriteOne(TableLayout layout, float* codebook, float* x, int groups, float inverse, byte* table)
    {
        TLanes zero = TLanes.Create(TableLayout.Zero);
        for (int g = 0; g < groups; g++, x += layout.VectorLength)
        {
            var vector = new Inputs(layout, x, inverse);
            for (int c = 0; c < layout.Centroids; c += TLanes.Count, table += TLanes.Count) TLanes.StoreBytes(vector.Times(codebook + c, zero), table);
        }
    }

    static void WriteTwo(TableLayout layout, float* codebook, float* x, int groups, float inverse, byte* first, byte* second)
    {
        // Adding 1.5·2²³ leaves the nearest integer in the low bits of the sum.
        TLanes zero = TLanes.Create(TableLayout.Zero), fine = TLanes.Create(FineSteps), magic = TLanes.Create(12582912f);
        for (int g = 0; g < groups; g++, x += layout.VectorLength)
        {
            var vector = new Inputs(layout, x, inverse);
            for (int c = 0; c < layout.Centroids; c += TLanes.Count, first += TLanes.Count, second += TLanes.Count)
            {
                TLanes product = vector.Times(codebook + c, default), rounded = TLanes.Subtract(TLanes.Add(product, magic), magic);
                TLanes.StoreBytes(TLanes.Add(rounded, zero), first);
                TLanes.StoreBytes(TLanes.MultiplyAdd(TLanes.Subtract(product, rounded), fine, zero), second);
            }
        }
    }

    /// <summary>The inputs of a group, each in all lanes: made once for all centroids, since the compiler cannot know that writing a table leaves them as they are.</summary>
    readonly struct Inputs
    {
        readonly TLanes _x0, _x1, _x2, _x3;
        readonly nint _centroids;
        readonly bool _areFour;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Inputs(TableLayout layout, float* x, float factor)
        {
            _centroids = layout.Centroids;
            _areFour = layout.VectorLength == 4;
            _x0 = TLanes.Create(x[0] * factor);
            _x1 = TLanes.Create(x[1] * factor);
            _x2 = _areFour ? TLanes.Create(x[2] * factor) : default;
            _x3 = _areFour ? TLanes.Create(x[3] * factor) : default;
        }

        /// <summary>sum + their products with as many centroids as there are lanes.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TLanes Times(float* codebook, TLanes sum)
        {
            sum = TLanes.MultiplyAdd(_x0, codebook, sum);
            sum = TLanes.MultiplyAdd(_x1, codebook + _centroids, sum);
            if (!_areFour) return sum;
            sum = TLanes.MultiplyAdd(_x2, codebook + 2 * _centroids, sum);
            return TLanes.MultiplyAdd(_x3, codebook + 3 * _centroids, sum);
        }
    }
}
