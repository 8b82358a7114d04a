using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>Functions of a vector, lane by lane.</summary>
static unsafe class LaneMath<TLanes> where TLanes : unmanaged, ILanes<TLanes>
{
    /// <summary>eˣ for x ≤ 88, exactly 0 below -87: 2ⁿ·2ᶠ with a polynomial for f in [-½, ½], 2e-9 off before rounding.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Exp(TLanes x)
    {
        // Adding 1.5·2²³ leaves the nearest integer in the low bits of the sum.
        TLanes magic = TLanes.Create(12582912f), floor = TLanes.Create(-126f);
        TLanes t = TLanes.Multiply(x, TLanes.Create(1.44269504f));
        TLanes shifted = TLanes.Add(TLanes.Max(floor, t), magic);
        TLanes f = TLanes.Subtract(TLanes.Max(floor, t), TLanes.Subtract(shifted, magic));
        TLanes p = TLanes.Create(0.00015345812f);
        p = TLanes.MultiplyAdd(p, f, TLanes.Create(0.0013399931f));
        p = TLanes.MultiplyAdd(p, f, TLanes.Create(0.009618489f));
        p = TLanes.MultiplyAdd(p, f, TLanes.Create(0.055503286f));
        p = TLanes.MultiplyAdd(p, f, TLanes.Create(0.24022646f));
        p = TLanes.MultiplyAdd(p, f, TLanes.Create(0.6931472f));
        p = TLanes.MultiplyAdd(p, f, TLanes.Create(1f));
        return TLanes.SelectLess(t, floor, default, TLanes.AddExponent(p, shifted));
    }

    /// <summary>cap·tanh(x/cap) = cap·(1 - 2/(e^(2x/cap) + 1)).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Softcap(TLanes x, TLanes cap, TLanes twoOverCap)
    {
        // tanh is 1 in float long before 2y = 40, which keeps the exponential finite.
        TLanes limit = TLanes.Create(40f), y = TLanes.Multiply(x, twoOverCap);
        TLanes e = Exp(TLanes.SelectLess(limit, y, limit, y));
        TLanes one = TLanes.Create(1f);
        return TLanes.Multiply(cap, TLanes.Divide(TLanes.Subtract(e, one), TLanes.Add(e, one)));
    }

    /// <summary>True when no element is infinite or NaN.</summary>
    public static bool AllFinite(float* x, long count)
    {
        TLanes zero = default, sum = default;
        long i = 0;
        for (; i + TLanes.Count <= count; i += TLanes.Count) sum = TLanes.MultiplyAdd(TLanes.Load(x + i), zero, sum);
        float rest = 0;
        for (; i < count; i++) rest += x[i] * 0;
        return rest == 0 && !TLanes.AnyDiffers(sum, zero);
    }

    /// <summary>Σ x[i] · y[i].</summary>
    public static float Dot(float* x, float* y, int count)
    {
        TLanes sum = default;
        int i = 0;
        for (; i + TLanes.Count <= count; i += TLanes.Count) sum = TLanes.MultiplyAdd(TLanes.Load(x + i), TLanes.Load(y + i), sum);
        float total = Vector128.Sum(TLanes.FoldAdd(sum));
        for (; i < count; i++) total += x[i] * y[i];
        return total;
    }

    /// <summary>target[i] = x[i] · factor, where the target may be x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scale(float* x, int count, float factor, float* target)
    {
        TLanes f = TLanes.Create(factor);
        int i = 0;
        for (; i + TLanes.Count <= count; i += TLanes.Count) TLanes.Store(TLanes.Multiply(TLanes.Load(x + i), f), target + i);
        for (; i < count; i++) target[i] = x[i] * factor;
    }

    /// <summary>y[i] += x[i] · factor.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddScaled(float* x, int count, float factor, float* y)
    {
        TLanes f = TLanes.Create(factor);
        int i = 0;
        for (; i + TLanes.Count <= count; i += TLanes.Count)
            TLanes.Store(TLanes.MultiplyAdd(TLanes.Load(x + i), f, TLanes.Load(y + i)), y + i);
        for (; i < count; i++) y[i] += x[i] * factor;
    }
}
