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
        int shift = columns.StrideBits;
        TLanes a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default, b2 = default, b3 = default;
        for (nint c = from; c < to; c++)
        {
            TLanes xc = TLanes.Create(activations[c]);
            a0 = TLanes.MultiplyAdd(xc, main + ((nint)TCodes.Main(r0, c, width) << shift), a0);
            a1 = TLanes.MultiplyAdd(xc, main + ((nint)TCodes.Main(r1, c, width) << shift), a1);
            a2 = TLanes.MultiplyAdd(xc, main + ((nint)TCodes.Main(r2, c, width) << shift), a2);
            a3 = TLanes.MultiplyAdd(xc, main + ((nint)TCodes.Main(r3, c, width) << shift), a3);
            if (!TStages.HasResidual) continue;
            b0 = TLanes.MultiplyAdd(xc, residual + ((nint)TCodes.Residual(r0, c, width) << shift), b0);
            b1 = TLanes.MultiplyAdd(xc, residual + ((nint)TCodes.Residual(r1, c, width) << shift), b1);
            b2 = TLanes.MultiplyAdd(xc, residual + ((nint)TCodes.Residual(r2, c, width) << shift), b2);
            b3 = TLanes.MultiplyAdd(xc, residual + ((nint)TCodes.Residual(r3, c, width) << shift), b3);
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
        int shift = columns.StrideBits;
        TLanes a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default, b2 = default, b3 = default;
        for (nint c = from; c < to; c++)
        {
            TLanes w0 = TLanes.Load(main + ((nint)TCodes.Main(r0, c, width) << shift)), w1 = TLanes.Load(main + ((nint)TCodes.Main(r1, c, width) << shift));
            if (TStages.HasResidual)
            {
                w0 = TLanes.Add(w0, TLanes.Load(residual + ((nint)TCodes.Residual(r0, c, width) << shift)));
                w1 = TLanes.Add(w1, TLanes.Load(residual + ((nint)TCodes.Residual(r1, c, width) << shift)));
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
