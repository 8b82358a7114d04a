using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using OnnxEff.CustomOps.Cpu;

namespace OnnxEff.Benchmarks.Limits;

/// <summary>What a number of threads reaches with the widest vectors of this machine.</summary>
/// <param name="Flops">Fused multiply-adds per second, each counted as two operations.</param>
/// <param name="ReadSpeed">Bytes of memory per second that can be summed.</param>
sealed record MachineLimits(double Flops, double ReadSpeed)
{
    /// <summary>The limits that follow from the seconds that both works of <see cref="LimitWork"/> took.</summary>
    public static MachineLimits Of(int threads, double multiply, double read) =>
        new(LimitWork.Flops * threads / multiply, LimitWork.Bytes / read);
}

/// <summary>The work whose time gives the limits.</summary>
static unsafe class LimitWork
{
    const int Chains = 12; // Four cycles of latency times two units are 8; 12 and two operands fit 16 registers.
    const int Steps = 2_000_000;

    /// <summary>Bytes that <see cref="Read"/> reads: far beyond any cache.</summary>
    public const nint Bytes = 1 << 30;

    // Touched once, kept for all measurements.
    static readonly Lazy<nint> Memory = new(() =>
    {
        void* memory = NativeMemory.AlignedAlloc((nuint)Bytes, 64);
        NativeMemory.Fill(memory, (nuint)Bytes, 0x3C);
        return (nint)memory;
    });

    static int Lanes => Avx512F.IsSupported ? V512.Count : Vector256.IsHardwareAccelerated ? V256.Count : V128.Count;

    /// <summary>Operations of each thread in <see cref="Multiply"/>.</summary>
    public static double Flops => 2.0 * Lanes * Chains * Steps;

    /// <summary>Independent chains of multiply-adds on every thread.</summary>
    public static void Multiply(int threads) => Gang.Run(threads, _ =>
    {
        if (Lanes == V512.Count) Multiply<V512>();
        else if (Lanes == V256.Count) Multiply<V256>();
        else Multiply<V128>();
    });

    /// <summary>The sum of a large array, a part on every thread.</summary>
    public static void Read(int threads)
    {
        var memory = (float*)Memory.Value;
        long floats = Bytes / sizeof(float) / threads / (8 * V512.Count) * (8 * V512.Count);
        Gang.Run(threads, index =>
        {
            float* from = memory + index * floats;
            if (Lanes == V512.Count) Sum<V512>(from, floats);
            else if (Lanes == V256.Count) Sum<V256>(from, floats);
            else Sum<V128>(from, floats);
        });
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static TLanes Multiply<TLanes>() where TLanes : unmanaged, ILanes<TLanes>
    {
        TLanes x = TLanes.Create(0.999f), y = TLanes.Create(0.001f);
        TLanes a = x, b = x, c = x, d = x, e = x, f = x, g = x, h = x, i = x, j = x, k = x, l = x;
        for (int step = 0; step < Steps; step++)
        {
            a = TLanes.MultiplyAdd(a, x, y);
            b = TLanes.MultiplyAdd(b, x, y);
            c = TLanes.MultiplyAdd(c, x, y);
            d = TLanes.MultiplyAdd(d, x, y);
            e = TLanes.MultiplyAdd(e, x, y);
            f = TLanes.MultiplyAdd(f, x, y);
            g = TLanes.MultiplyAdd(g, x, y);
            h = TLanes.MultiplyAdd(h, x, y);
            i = TLanes.MultiplyAdd(i, x, y);
            j = TLanes.MultiplyAdd(j, x, y);
            k = TLanes.MultiplyAdd(k, x, y);
            l = TLanes.MultiplyAdd(l, x, y);
        }
        return Sum8(Sum8(a, b, c, d, e, f, g, h), i, j, k, l, x, x, x);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static TLanes Sum<TLanes>(float* from, long count) where TLanes : unmanaged, ILanes<TLanes>
    {
        int n = TLanes.Count;
        TLanes a = default, b = default, c = default, d = default, e = default, f = default, g = default, h = default;
        for (float* at = from, end = from + count; at < end; at += 8 * n)
        {
            a = TLanes.Add(a, TLanes.Load(at));
            b = TLanes.Add(b, TLanes.Load(at + n));
            c = TLanes.Add(c, TLanes.Load(at + 2 * n));
            d = TLanes.Add(d, TLanes.Load(at + 3 * n));
            e = TLanes.Add(e, TLanes.Load(at + 4 * n));
            f = TLanes.Add(f, TLanes.Load(at + 5 * n));
            g = TLanes.Add(g, TLanes.Load(at + 6 * n));
            h = TLanes.Add(h, TLanes.Load(at + 7 * n));
        }
        return Sum8(a, b, c, d, e, f, g, h);
    }

    static TLanes Sum8<TLanes>(TLanes a, TLanes b, TLanes c, TLanes d, TLanes e, TLanes f, TLanes g, TLanes h) where TLanes : unmanaged, ILanes<TLanes> =>
        TLanes.Add(TLanes.Add(TLanes.Add(a, b), TLanes.Add(c, d)), TLanes.Add(TLanes.Add(e, f), TLanes.Add(g, h)));
}
