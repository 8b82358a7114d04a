using System.Runtime.CompilerServices;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>Four vectors of outputs and one token: x[c] · centroid for each column, in chains that do not wait for each other.</summary>
/// <param name="columns">Whose.</param>
/// <param name="vector">The first of the four.</param>
/// <param name="part">First float of the centroids.</param>
/// <param name="x">The token's activations of these columns.</param>
/// <param name="sums">Four registers, added to.</param>
unsafe struct FourVectors<TLanes>(VectorColumns columns, int vector, int part, float* x, float* sums) : IColumnWork
    where TLanes : unmanaged, ILanes<TLanes>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public void Run<TCodes, TStages>(int from, int to) where TCodes : ICodeReader where TStages : IStages
    {
        byte* r0 = columns.Row(vector), r1 = columns.Row(vector + 1), r2 = columns.Row(vector + 2), r3 = columns.Row(vector + 3);
        float* main = columns.Main + part, residual = columns.Residual + part, activations = x;
        CodeWidth width = columns.Width;
        int bits = columns.MainBits, stride = columns.Stride;
        uint mask = (uint)((1ul << bits) - 1);
        TLanes a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default, b2 = default, b3 = default;
        for (nint c = from; c < to; c++)
        {
            TLanes xc = TLanes.Create(activations[c]);
            uint code0 = TCodes.Read(r0, c, width), code1 = TCodes.Read(r1, c, width), code2 = TCodes.Read(r2, c, width), code3 = TCodes.Read(r3, c, width);
            a0 = TLanes.MultiplyAdd(xc, TLanes.Load(main + (nint)(code0 & mask) * stride), a0);
            a1 = TLanes.MultiplyAdd(xc, TLanes.Load(main + (nint)(code1 & mask) * stride), a1);
            a2 = TLanes.MultiplyAdd(xc, TLanes.Load(main + (nint)(code2 & mask) * stride), a2);
            a3 = TLanes.MultiplyAdd(xc, TLanes.Load(main + (nint)(code3 & mask) * stride), a3);
            if (!TStages.HasResidual) continue;
            b0 = TLanes.MultiplyAdd(xc, TLanes.Load(residual + (nint)(code0 >> bits) * stride), b0);
            b1 = TLanes.MultiplyAdd(xc, TLanes.Load(residual + (nint)(code1 >> bits) * stride), b1);
            b2 = TLanes.MultiplyAdd(xc, TLanes.Load(residual + (nint)(code2 >> bits) * stride), b2);
            b3 = TLanes.MultiplyAdd(xc, TLanes.Load(residual + (nint)(code3 >> bits) * stride), b3);
        }
        Add(0, a0, b0);
        Add(1, a1, b1);
        Add(2, a2, b2);
        Add(3, a3, b3);
    }

    readonly void Add(int at, TLanes a, TLanes b)
    {
        float* target = sums + at * TLanes.Count;
        TLanes.Store(TLanes.Add(TLanes.Load(target), TLanes.Add(a, b)), target);
    }
}

/// <summary>Two vectors of outputs and four tokens: each centroid is loaded once.</summary>
/// <param name="columns">Whose.</param>
/// <param name="vector">The first of the two.</param>
/// <param name="part">First float of the centroids.</param>
/// <param name="x0">Activations of these columns of the first token; the others follow.</param>
/// <param name="sums">Eight registers, added to: the four tokens of the first vector, then those of the second.</param>
unsafe struct TwoVectors<TLanes>(VectorColumns columns, int vector, int part, float* x0, float* x1, float* x2, float* x3, float* sums) : IColumnWork
    where TLanes : unmanaged, ILanes<TLanes>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public void Run<TCodes, TStages>(int from, int to) where TCodes : ICodeReader where TStages : IStages
    {
        byte* r0 = columns.Row(vector), r1 = columns.Row(vector + 1);
        float* main = columns.Main + part, residual = columns.Residual + part;
        float* y0 = x0, y1 = x1, y2 = x2, y3 = x3;
        CodeWidth width = columns.Width;
        int bits = columns.MainBits, stride = columns.Stride;
        uint mask = (uint)((1ul << bits) - 1);
        TLanes a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default, b2 = default, b3 = default;
        for (nint c = from; c < to; c++)
        {
            uint code0 = TCodes.Read(r0, c, width), code1 = TCodes.Read(r1, c, width);
            TLanes w0 = TLanes.Load(main + (nint)(code0 & mask) * stride), w1 = TLanes.Load(main + (nint)(code1 & mask) * stride);
            if (TStages.HasResidual)
            {
                w0 = TLanes.Add(w0, TLanes.Load(residual + (nint)(code0 >> bits) * stride));
                w1 = TLanes.Add(w1, TLanes.Load(residual + (nint)(code1 >> bits) * stride));
            }
            TLanes x = TLanes.Create(y0[c]);
            a0 = TLanes.MultiplyAdd(x, w0, a0);
            b0 = TLanes.MultiplyAdd(x, w1, b0);
            x = TLanes.Create(y1[c]);
            a1 = TLanes.MultiplyAdd(x, w0, a1);
            b1 = TLanes.MultiplyAdd(x, w1, b1);
            x = TLanes.Create(y2[c]);
            a2 = TLanes.MultiplyAdd(x, w0, a2);
            b2 = TLanes.MultiplyAdd(x, w1, b2);
            x = TLanes.Create(y3[c]);
            a3 = TLanes.MultiplyAdd(x, w0, a3);
            b3 = TLanes.MultiplyAdd(x, w1, b3);
        }
        Add(0, a0);
        Add(1, a1);
        Add(2, a2);
        Add(3, a3);
        Add(4, b0);
        Add(5, b1);
        Add(6, b2);
        Add(7, b3);
    }

    readonly void Add(int at, TLanes value)
    {
        float* target = sums + at * TLanes.Count;
        TLanes.Store(TLanes.Add(TLanes.Load(target), value), target);
    }
}
