using System.Diagnostics;
using System.Runtime.CompilerServices;
using OnnxEff.Ir;
using OnnxEff.Ops;

namespace OnnxEff.CustomOps.Cpu;

/// <summary><see cref="SwiGlu"/> on the CPU.</summary>
public static unsafe class SwiGluKernel
{
    const int Chunk = 4096; // Threads are worth it from several of them.
    const int AtOnce = 256;
    const float Most = 88; // e⁸⁸ is finite, and what is divided by it as good as zero.

    /// <summary>Computes one call.</summary>
    /// <typeparam name="TLanes">The vector width of the level that runs.</typeparam>
    /// <param name="kind">fp32 or fp16.</param>
    /// <param name="alpha">The attribute.</param>
    /// <param name="gate">[rows, F], or [rows, gate and up, F] without up.</param>
    /// <param name="up">[rows, F], or null.</param>
    /// <param name="output">[rows, F]</param>
    /// <param name="rows">Rows, and F: of two tensors all elements may be one row.</param>
    /// <param name="parallel">The host's threads, or null to stay on this one.</param>
    public static void Run<TLanes>(ElementType kind, float alpha, void* gate, void* up, void* output, (long Count, long Width) rows, ParallelFor? parallel) where TLanes : unmanaged, ILanes<TLanes>
    {
        switch (kind)
        {
            case ElementType.Float32: Run<TLanes, SingleCodec, float>(alpha, (float*)gate, (float*)up, (float*)output, rows, parallel); break;
            case ElementType.Float16: Run<TLanes, HalfCodec, Half>(alpha, (Half*)gate, (Half*)up, (Half*)output, rows, parallel); break;
            default: throw new UnreachableException($"SwiGlu is declared for fp32 and fp16, not for {kind}.");
        }
    }

    static void Run<TLanes, TCodec, TStored>(float alpha, TStored* gate, TStored* up, TStored* output, (long Count, long Width) rows, ParallelFor? parallel)
        where TLanes : unmanaged, ILanes<TLanes>
        where TCodec : ICodec<TStored>
        where TStored : unmanaged
    {
        long chunks = (rows.Width + Chunk - 1) / Chunk, step = up == null ? 2 * rows.Width : rows.Width; // From a row of gate and up to the next.
        if (up == null) up = gate + rows.Width;
        Workers.Run(rows.Count * rows.Width < 4 * Chunk ? null : parallel, checked((int)(rows.Count * chunks)), item =>
        {
            (long row, long chunk) = Math.DivRem(item, chunks);
            long first = chunk * Chunk, end = Math.Min(rows.Width, first + Chunk), at = row * step, target = row * rows.Width;
            for (; first < end; first += AtOnce) Gate<TLanes, TCodec, TStored>(alpha, gate + at + first, up + at + first, output + target + first, (int)Math.Min(AtOnce, end - first));
        });
    }

    [SkipLocalsInit]
    static void Gate<TLanes, TCodec, TStored>(float alpha, TStored* gate, TStored* up, TStored* output, int count)
        where TLanes : unmanaged, ILanes<TLanes>
        where TCodec : ICodec<TStored>
        where TStored : unmanaged
    {
        float* products = stackalloc float[AtOnce];
        TLanes slope = TLanes.Create(-alpha), one = TLanes.Create(1), most = TLanes.Create(Most);
        int i = 0;
        for (; i + TLanes.Count <= count; i += TLanes.Count)
        {
            TLanes x = TCodec.Load<TLanes>(gate + i), exponent = TLanes.Multiply(slope, x);
            TLanes denominator = TLanes.Add(one, LaneMath<TLanes>.Exp(TLanes.SelectLess(most, exponent, most, exponent)));
            TLanes.Store(TLanes.Multiply(TLanes.Divide(x, denominator), TCodec.Load<TLanes>(up + i)), products + i);
        }
        for (; i < count; i++)
        {
            float x = TCodec.Read(gate[i]);
            products[i] = x / (1 + MathF.Exp(MathF.Min(Most, -alpha * x))) * TCodec.Read(up[i]);
        }
        TCodec.Write<TLanes>(products, count, output);
    }
}
