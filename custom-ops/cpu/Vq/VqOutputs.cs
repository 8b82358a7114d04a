using OnnxEff.Formats;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>The side of the outputs: y = row_scale · sums + bias + outliers.</summary>
/// <param name="weight">Where outliers are.</param>
/// <param name="tensors">Row scale, bias and outliers, as far as they are there.</param>
/// <param name="x">Activations [tokens, K] in the order of the inputs, not scaled.</param>
/// <param name="y">Outputs [tokens, N].</param>
/// <param name="size">Tokens, K and N.</param>
sealed unsafe class VqOutputs<TLanes, TCodec, TStored>(VqWeight weight, VqTensors tensors, float* x, TStored* y, ProductSize size) : ITileSums
    where TLanes : unmanaged, ILanes<TLanes>
    where TCodec : ICodec<TStored>
    where TStored : unmanaged
{
    readonly Outliers _outliers = new(weight.OutlierStarts, tensors.OutlierRows, tensors.OutlierInputs, tensors.OutlierValues);

    /// <inheritdoc/>
    public void Expect(int tile, int count) => _outliers.Prefetch(tile, count);

    /// <inheritdoc/>
    public void Take(int token, int tile, float* sums)
    {
        int first = tile * VqInputLayout.TileRows;
        Write(token, first, Math.Min(VqInputLayout.TileRows, size.Outputs - first), sums);
    }

    /// <summary>Finishes some rows of a token; the sums are overwritten.</summary>
    public void Write(int token, int first, int count, float* sums)
    {
        if (tensors.RowScale.Dims is not null) Scale((Half*)tensors.RowScale.Data + first, sums, count);
        if (tensors.Bias.Dims is not null) AddBias((TStored*)tensors.Bias.Data + first, sums, count);
        _outliers.AddTo<TLanes>(sums, first, count, x + (long)token * size.Inputs);
        TStored* target = y + (long)token * size.Outputs + first;
        if (target != (void*)sums) TCodec.Write<TLanes>(sums, count, target);
    }

    static void Scale(Half* scale, float* sums, int count)
    {
        int i = 0;
        for (; i + TLanes.Count <= count; i += TLanes.Count) TLanes.Store(TLanes.Multiply(HalfCodec.Load<TLanes>(scale + i), TLanes.Load(sums + i)), sums + i);
        for (; i < count; i++) sums[i] *= (float)scale[i];
    }

    static void AddBias(TStored* bias, float* sums, int count)
    {
        int i = 0;
        for (; i + TLanes.Count <= count; i += TLanes.Count) TLanes.Store(TLanes.Add(TCodec.Load<TLanes>(bias + i), TLanes.Load(sums + i)), sums + i);
        for (; i < count; i++) sums[i] += TCodec.Read(bias[i]);
    }
}
