using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

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
        if (FloatPanel.Takes<TLanes>() && FloatPanel.Four != null)
        {
            FloatPanel.Four(a0, a1, a2, a3, step, b, depth, c, add ? 1 : 0);
            return;
        }
        int n = TLanes.Count;
        TLanes c00 = default, c01 = default, c02 = default, c10 = default, c11 = default, c12 = default;
        TLanes c20 = default, c21 = default, c22 = default, c30 = default, c31 = default, c32 = default;
        if (add)
        {
            LoadRow(c, out c00, out c01, out c02);
            LoadRow(c + 3 * n, out c10, out c11, out c12);
            LoadRow(c + 6 * n, out c20, out c21, out c22);
            LoadRow(c + 9 * n, out c30, out c31, out c32);
        }
        nint at = 0;
        for (float* end = b + (nint)depth * 3 * n; b < end; b += 3 * n, at += step)
        {
            TLanes b0 = TLanes.Load(b), b1 = TLanes.Load(b + n), b2 = TLanes.Load(b + 2 * n);
            AddRow(TLanes.Create(a0[at]), b0, b1, b2, ref c00, ref c01, ref c02);
            AddRow(TLanes.Create(a1[at]), b0, b1, b2, ref c10, ref c11, ref c12);
            AddRow(TLanes.Create(a2[at]), b0, b1, b2, ref c20, ref c21, ref c22);
            AddRow(TLanes.Create(a3[at]), b0, b1, b2, ref c30, ref c31, ref c32);
        }
        StoreRow(c00, c01, c02, c);
        StoreRow(c10, c11, c12, c + 3 * n);
        StoreRow(c20, c21, c22, c + 6 * n);
        StoreRow(c30, c31, c32, c + 9 * n);
    }

    /// <summary>True where a level has the registers for eight rows: b is then loaded half as often, and loads no longer bound the product.</summary>
    public static bool TakesEight => TLanes.Count == 16;

    /// <summary>target[i / 8][row][i % 8] = rows[row · width + i]; columns behind the last one repeat it.</summary>
    public static void ColumnsOfEight(float* rows, int count, int width, float* target)
    {
        int i = 0;
        for (; i + 8 <= width; i += 8)
        {
            float* source = rows + i;
            for (float* end = target + 8L * count; target < end; target += 8, source += width) Vector256.Load(source).Store(target);
        }
        for (; i < width; i += 8)
            for (int row = 0; row < count; row++, target += 8)
                for (int c = 0; c < 8; c++) target[c] = rows[(long)row * width + Math.Min(i + c, width - 1)];
    }

    /// <summary>As <see cref="Multiply"/>, for eight rows: aᵢ starts at a + i · row, the last four at second + (i - 4) · row.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void MultiplyEight(float* a, float* second, nint row, nint step, float* b, int depth, float* c, bool add)
    {
        if (FloatPanel.Takes<TLanes>() && FloatPanel.Eight != null)
        {
            FloatPanel.Eight(a, second, row, step, b, depth, c, add ? 1 : 0);
            return;
        }
        int n = TLanes.Count;
        nint row3 = 3 * row;
        TLanes c00 = default, c01 = default, c02 = default, c10 = default, c11 = default, c12 = default;
        TLanes c20 = default, c21 = default, c22 = default, c30 = default, c31 = default, c32 = default;
        TLanes c40 = default, c41 = default, c42 = default, c50 = default, c51 = default, c52 = default;
        TLanes c60 = default, c61 = default, c62 = default, c70 = default, c71 = default, c72 = default;
        if (add)
        {
            LoadRow(c, out c00, out c01, out c02);
            LoadRow(c + 3 * n, out c10, out c11, out c12);
            LoadRow(c + 6 * n, out c20, out c21, out c22);
            LoadRow(c + 9 * n, out c30, out c31, out c32);
            LoadRow(c + 12 * n, out c40, out c41, out c42);
            LoadRow(c + 15 * n, out c50, out c51, out c52);
            LoadRow(c + 18 * n, out c60, out c61, out c62);
            LoadRow(c + 21 * n, out c70, out c71, out c72);
        }
        for (float* end = b + (nint)depth * 3 * n; b < end; b += 3 * n, a += step, second += step)
        {
            TLanes b0 = TLanes.Load(b), b1 = TLanes.Load(b + n), b2 = TLanes.Load(b + 2 * n);
            AddRow(TLanes.Create(*a), b0, b1, b2, ref c00, ref c01, ref c02);
            AddRow(TLanes.Create(a[row]), b0, b1, b2, ref c10, ref c11, ref c12);
            AddRow(TLanes.Create(a[2 * row]), b0, b1, b2, ref c20, ref c21, ref c22);
            AddRow(TLanes.Create(a[row3]), b0, b1, b2, ref c30, ref c31, ref c32);
            AddRow(TLanes.Create(*second), b0, b1, b2, ref c40, ref c41, ref c42);
            AddRow(TLanes.Create(second[row]), b0, b1, b2, ref c50, ref c51, ref c52);
            AddRow(TLanes.Create(second[2 * row]), b0, b1, b2, ref c60, ref c61, ref c62);
            AddRow(TLanes.Create(second[row3]), b0, b1, b2, ref c70, ref c71, ref c72);
        }
        StoreRow(c00, c01, c02, c);
        StoreRow(c10, c11, c12, c + 3 * n);
        StoreRow(c20, c21, c22, c + 6 * n);
        StoreRow(c30, c31, c32, c + 9 * n);
        StoreRow(c40, c41, c42, c + 12 * n);
        StoreRow(c50, c51, c52, c + 15 * n);
        StoreRow(c60, c61, c62, c + 18 * n);
        StoreRow(c70, c71, c72, c + 21 * n);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void AddRow(TLanes a, TLanes b0, TLanes b1, TLanes b2, ref TLanes x, ref TLanes y, ref TLanes z)
    {
        x = TLanes.MultiplyAdd(a, b0, x);
        y = TLanes.MultiplyAdd(a, b1, y);
        z = TLanes.MultiplyAdd(a, b2, z);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void LoadRow(float* c, out TLanes x, out TLanes y, out TLanes z) =>
        (x, y, z) = (TLanes.Load(c), TLanes.Load(c + TLanes.Count), TLanes.Load(c + 2 * TLanes.Count));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void StoreRow(TLanes x, TLanes y, TLanes z, float* c)
    {
        TLanes.Store(x, c);
        TLanes.Store(y, c + TLanes.Count);
        TLanes.Store(z, c + 2 * TLanes.Count);
    }
}
