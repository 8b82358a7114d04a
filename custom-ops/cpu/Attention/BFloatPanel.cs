using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>
/// The products of the panel strategy on pairs of bfloat16 with fp32 sums, where processor and host have them. Two roundings are
/// its price, 2⁻⁹ of a number each: of queries that a rotation made, and of the weights of the softmax.
/// </summary>
public static unsafe class BFloatPanel
{
    const int Rows = 8; // That a product takes at once.

    static delegate* unmanaged[Cdecl]<uint*, nint, nint, nint, uint*, nint, float*, nint, float, int, void> multiply;
    static delegate* unmanaged[Cdecl]<float*, nint, void> pack;

    /// <summary>True where the processor multiplies pairs of bfloat16 (AVX512-BF16).</summary>
    public static bool ProcessorTakes { get; } = Avx512BW.IsSupported && X86Base.CpuId(7, 0).Eax >= 1 && (X86Base.CpuId(7, 1).Eax >> 5 & 1) != 0;

    /// <summary>Gives the functions onnxeff_bfloat_multiply and onnxeff_bfloat_pack of custom-ops/native/Leaf, or takes them away with 0.</summary>
    public static void Use(nint multiplyAt, nint packAt)
    {
        multiply = (delegate* unmanaged[Cdecl]<uint*, nint, nint, nint, uint*, nint, float*, nint, float, int, void>)multiplyAt;
        pack = (delegate* unmanaged[Cdecl]<float*, nint, void>)packAt;
    }

    /// <summary>True when a call with heads of that size is computed here.</summary>
    internal static bool Takes<TLanes, TStored>(int headSize) where TLanes : unmanaged, ILanes<TLanes> =>
        typeof(TStored) == typeof(BFloat16) && TLanes.Count == V512.Count && multiply != null && headSize % 2 == 0;

    /// <summary>Rounds 2 · pairs rows of a panel, in place, to rows of pairs.</summary>
    internal static void Pack(float* panel, int pairs) => pack(panel, pairs);

    /// <summary>scores[key][·] = factor · keys[key] · q[·].</summary>
    /// <param name="keys">[count][D] bfloat16.</param>
    /// <param name="count">Number of keys.</param>
    /// <param name="d">D.</param>
    /// <param name="q">A packed panel.</param>
    /// <param name="factor">Of all scores.</param>
    /// <param name="scores">[count][Width]</param>
    internal static void Score(void* keys, int count, int d, float* q, float factor, float* scores) =>
        multiply((uint*)keys, Rows * (d / 2), d / 2, 1, (uint*)q, d / 2, scores, count, factor, 0);

    /// <summary>o[i][·] += Σ values[key][i] · weights[key][·].</summary>
    /// <param name="columns">What <see cref="PairRows"/> made, from the first pair on.</param>
    /// <param name="stride">Pairs of keys that it made.</param>
    /// <param name="pairs">Pairs to sum.</param>
    /// <param name="dv">Dv.</param>
    /// <param name="weights">A packed panel.</param>
    /// <param name="o">[Dv][Width]</param>
    internal static void Mix(uint* columns, int stride, int pairs, int dv, float* weights, float* o) =>
        multiply(columns, Rows * (nint)stride, 1, Rows, (uint*)weights, pairs, o, dv, 1, 1);

    /// <summary>target[i / 8][pair][i % 8] = rows[2 · pair][i] below rows[2 · pair + 1][i]; behind the last row lie zeros.</summary>
    internal static void PairRows(ushort* rows, int count, int width, uint* target)
    {
        int pairs = (count + 1) / 2;
        for (int pair = 0; pair < pairs; pair++, rows += 2 * width)
        {
            bool two = 2 * pair + 1 < count;
            uint* at = target + pair * Rows;
            int i = 0;
            for (; i + Rows <= width; i += Rows, at += pairs * Rows)
            {
                Vector256<uint> low = Wide(rows + i), high = two ? Wide(rows + width + i) : default;
                (low | (high << 16)).Store(at);
            }
            for (; i < width; i++) at[i % Rows] = rows[i] | (two ? (uint)rows[width + i] << 16 : 0);
        }
    }

    static Vector256<uint> Wide(ushort* source) => Vector256.WidenLower(Vector128.Load(source).ToVector256Unsafe());
}
