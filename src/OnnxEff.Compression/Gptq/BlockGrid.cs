namespace OnnxEff.Compression;

/// <summary>
/// Scale and zero point of each block of inputs of each row, found on the weights as they are: of the grids between the smallest and the largest weight, and of
/// those drawn in by up to half, the one with the least squared error, each input weighted by its second moment.
/// </summary>
/// <param name="Bits">Bits of a code.</param>
/// <param name="BlockSize">Inputs of a block.</param>
/// <param name="Scales">[N, blocks].</param>
/// <param name="Zeros">[N, blocks].</param>
sealed record BlockGrid(int Bits, int BlockSize, float[] Scales, byte[] Zeros)
{
    const int Trials = 24;
    const double Narrowest = 0.5;

    /// <summary>The grids of a weight.</summary>
    /// <param name="weight">[N, K].</param>
    /// <param name="columns">K.</param>
    /// <param name="moment">[K, K].</param>
    /// <param name="bits">Bits of a code.</param>
    /// <param name="blockSize">Inputs of a block.</param>
    /// <param name="isHalf">True if a scale is stored as fp16.</param>
    public static BlockGrid Of(float[] weight, int columns, float[] moment, int bits, int blockSize, bool isHalf)
    {
        var (rows, blocks) = (weight.Length / columns, (columns + blockSize - 1) / blockSize);
        var grid = new BlockGrid(bits, blockSize, new float[rows * blocks], new byte[rows * blocks]);
        Workers.For(0, rows, row =>
        {
            for (var block = 0; block < blocks; block++)
            {
                var (first, count) = (block * blockSize, Math.Min(blockSize, columns - block * blockSize));
                (grid.Scales[row * blocks + block], grid.Zeros[row * blocks + block]) = Best(weight.AsSpan(row * columns + first, count), first, columns, moment, bits, isHalf);
            }
        });
        return grid;
    }

    static (float Scale, byte Zero) Best(ReadOnlySpan<float> weight, int first, int columns, float[] moment, int bits, bool isHalf)
    {
        float low = 0, high = 0; // Zero is always on the grid.
        foreach (var w in weight) (low, high) = (Math.Min(low, w), Math.Max(high, w));
        var top = (1 << bits) - 1;
        (float Scale, byte Zero) best = (1, 0);
        if (high == low) return best;
        var least = double.PositiveInfinity;
        for (var trial = 0; trial < Trials; trial++)
        {
            var shrink = 1 - (1 - Narrowest) * trial / Trials;
            var scale = (float)((high - low) * shrink / top);
            if (isHalf) scale = (float)(Half)scale;
            if (!(scale > 0)) continue;
            var zero = (int)Math.Clamp(MathF.Round((float)(-low * shrink) / scale), 0, top);
            double error = 0;
            for (var i = 0; i < weight.Length; i++)
            {
                var difference = weight[i] - (Code(weight[i], scale, zero, top) - zero) * scale;
                error += (double)difference * difference * moment[(first + i) * (columns + 1)];
            }
            if (error >= least && trial > 0) continue;
            (least, best) = (error, (scale, (byte)zero));
        }
        return best;
    }

    /// <summary>The nearest code.</summary>
    public static int Code(float weight, float scale, int zero, int top) => (int)Math.Clamp(MathF.Round(weight / scale) + zero, 0, top);
}

/// <summary>Single weights on the grids of their blocks.</summary>
sealed class GridRounding(ScaledProblem problem, BlockGrid grid, int columns) : TileRounding
{
    readonly int _blocks = (columns + grid.BlockSize - 1) / grid.BlockSize;
    readonly int _top = (1 << grid.Bits) - 1;

    /// <inheritdoc/>
    public override void ChooseAhead(int tile, int block, ReadOnlySpan<float> target, Span<byte> codes)
    {
        for (var row = 0; row < RowTile.Rows; row++)
            if (At(tile, block, row) is >= 0 and var at) codes[row] = (byte)BlockGrid.Code(target[row], grid.Scales[at], grid.Zeros[at], _top);
    }

    /// <inheritdoc/>
    public override void Decode(int tile, int block, ReadOnlySpan<byte> codes, Span<float> values)
    {
        for (var row = 0; row < RowTile.Rows; row++)
            values[row] = At(tile, block, row) is >= 0 and var at ? (codes[row] - grid.Zeros[at]) * grid.Scales[at] : 0;
    }

    int At(int tile, int block, int row) => tile * RowTile.Rows + row is var r && r < problem.Rows ? r * _blocks + problem.Order[block] / grid.BlockSize : -1;
}
