namespace OnnxEff.CustomOps.Cpu;

/// <summary>Panels of fp32: [panel][K][Width].</summary>
/// <typeparam name="TLanes">The vector width of the level: that of panels.</typeparam>
sealed unsafe class FloatPanels<TLanes> : ITokenPanels where TLanes : unmanaged, ILanes<TLanes>
{
    const int RowsAtOnce = 4;

    readonly int _inputs, _quads;
    readonly nint _outputStep, _columnStep;
    readonly float* _packed;

    /// <summary>Packs activations.</summary>
    /// <param name="weight">The weight that they are multiplied with.</param>
    /// <param name="x">Activations [tokens, K].</param>
    /// <param name="size">Tokens and K.</param>
    /// <param name="packed">As many bytes as <see cref="PackedBytes"/> says.</param>
    /// <param name="parallel">Threads, or null.</param>
    public FloatPanels(IWeightTiles weight, float* x, ProductSize size, byte* packed, ParallelFor? parallel)
    {
        (_inputs, _quads, _outputStep, _columnStep) = (size.Inputs, (weight.Outputs + RowsAtOnce - 1) / RowsAtOnce, weight.OutputStep, weight.ColumnStep);
        _packed = (float*)packed;
        TokenPanels.Pack(x, _packed, Width, size, parallel);
    }

    /// <summary>Bytes of all panels.</summary>
    public static nuint PackedBytes(ProductSize size)
    {
        int width = Panel<TLanes>.Width;
        return checked((nuint)((size.Tokens + width - 1) / width) * (nuint)width * (nuint)size.Inputs * sizeof(float));
    }

    /// <inheritdoc/>
    public int Width => Panel<TLanes>.Width;

    /// <inheritdoc/>
    public nuint PreparedFloats => 0;

    /// <inheritdoc/>
    public void Prepare(ColumnBlock block, float* tile, float* prepared) { }

    /// <inheritdoc/>
    public void Multiply(ColumnBlock block, float* tile, float* prepared, int panel, float* sums, bool add)
    {
        float* b = _packed + ((long)panel * _inputs + block.First) * Width;
        nint step = _outputStep, four = RowsAtOnce * step;
        int quad = 0;
        for (; Panel<TLanes>.TakesEight && quad + 2 <= _quads; quad += 2, tile += 2 * four, sums += 2 * RowsAtOnce * Width)
            Panel<TLanes>.MultiplyEight(tile, tile + four, step, _columnStep, b, block.Count, sums, add);
        for (; quad < _quads; quad++, tile += four, sums += RowsAtOnce * Width)
            Panel<TLanes>.Multiply(tile, tile + step, tile + 2 * step, tile + 3 * step, _columnStep, b, block.Count, sums, add);
    }
}
