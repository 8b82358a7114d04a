using System.Runtime.CompilerServices;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>
/// The register-blocked product of the panel strategy. A panel holds <see cref="Width"/> queries side by side, so that a
/// key or value element, broadcast straight from its row, meets all of them: nothing but the queries is ever packed.
/// </summary>
static unsafe class Panel<TLanes> where TLanes : unmanaged, ILanes<TLanes>
{
    /// <summary>Columns: 4×3 accumulators + 3 of b + 1 of a are the 16 registers of the narrower levels.</summary>
    public static int Width => 3 * TLanes.Count;

    /// <summary>
    /// c[0…3][·] = (add ? c : 0) + Σₖ aᵢ[k · step] · b[k][·] for four rows of <see cref="Width"/> columns.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Multiply(float* a0, float* a1, float* a2, float* a3, nint step, float* b, int depth, float* c, bool add)
    {
        int n = TLanes.Count;
        TLanes c00 = default, c01 = default, c02 = default, c10 = default, c11 = default, c12 = default;
        TLanes c20 = default, c21 = default, c22 = default, c30 = default, c31 = default, c32 = default;
        if (add)
        {
            (c00, c01, c02) = (TLanes.Load(c), TLanes.Load(c + n), TLanes.Load(c + 2 * n));
            (c10, c11, c12) = (TLanes.Load(c + 3 * n), TLanes.Load(c + 4 * n), TLanes.Load(c + 5 * n));
            (c20, c21, c22) = (TLanes.Load(c + 6 * n), TLanes.Load(c + 7 * n), TLanes.Load(c + 8 * n));
            (c30, c31, c32) = (TLanes.Load(c + 9 * n), TLanes.Load(c + 10 * n), TLanes.Load(c + 11 * n));
        }
        nint at = 0;
        for (float* end = b + (nint)depth * 3 * n; b < end; b += 3 * n, at += step)
        {
            TLanes b0 = TLanes.Load(b), b1 = TLanes.Load(b + n), b2 = TLanes.Load(b + 2 * n);
            TLanes a = TLanes.Create(a0[at]);
            c00 = TLanes.MultiplyAdd(a, b0, c00);
            c01 = TLanes.MultiplyAdd(a, b1, c01);
            c02 = TLanes.MultiplyAdd(a, b2, c02);
            a = TLanes.Create(a1[at]);
            c10 = TLanes.MultiplyAdd(a, b0, c10);
            c11 = TLanes.MultiplyAdd(a, b1, c11);
            c12 = TLanes.MultiplyAdd(a, b2, c12);
            a = TLanes.Create(a2[at]);
            c20 = TLanes.MultiplyAdd(a, b0, c20);
            c21 = TLanes.MultiplyAdd(a, b1, c21);
            c22 = TLanes.MultiplyAdd(a, b2, c22);
            a = TLanes.Create(a3[at]);
            c30 = TLanes.MultiplyAdd(a, b0, c30);
            c31 = TLanes.MultiplyAdd(a, b1, c31);
            c32 = TLanes.MultiplyAdd(a, b2, c32);
        }
        StoreRow(c00, c01, c02, c);
        StoreRow(c10, c11, c12, c + 3 * n);
        StoreRow(c20, c21, c22, c + 6 * n);
        StoreRow(c30, c31, c32, c + 9 * n);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void StoreRow(TLanes x, TLanes y, TLanes z, float* c)
    {
        TLanes.Store(x, c);
        TLanes.Store(y, c + TLanes.Count);
        TLanes.Store(z, c + 2 * TLanes.Count);
    }
}
