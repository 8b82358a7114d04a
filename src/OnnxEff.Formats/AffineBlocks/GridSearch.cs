namespace OnnxEff.Formats;

/// <summary>
/// Finds the grid that a weight already lies on: that of a checkpoint which was dequantised before its export. Only what reproduces every weight is found.
/// Grids have blocks of 32 inputs, an fp16 scale, and either an fp16 minimum or their zero in the middle.
/// </summary>
public static class GridSearch
{
    const int BlockInputs = AffineBlockLayout.BlockInputs;

    /// <summary>The smallest form that holds the weight without loss, or null.</summary>
    /// <param name="weight">[N, K], row-major.</param>
    /// <param name="outputs">N.</param>
    /// <param name="inputs">K.</param>
    public static AffineBlocks? Find(float[] weight, int outputs, int inputs) =>
        AffineBlockLayout.All(outputs, inputs).Select(layout => layout.Refusal() is null ? Encode(layout, weight) : null).FirstOrDefault(found => found is not null);

    static AffineBlocks? Encode(AffineBlockLayout layout, float[] weight)
    {
        var codes = new byte[weight.Length];
        Half[] scales = new Half[layout.Outputs * layout.Blocks], minima = new Half[scales.Length];
        // Most weights lie on no grid, and their first block says so.
        if (!EncodeRow(layout, weight, 0, codes, scales, minima)) return null;
        bool fits = Parallel.For(1, layout.Outputs, (row, state) =>
        {
            if (!EncodeRow(layout, weight, row, codes, scales, minima)) state.Stop();
        }).IsCompleted;
        return fits ? AffineBlocks.Pack(layout, codes, scales, minima) : null;
    }

    static bool EncodeRow(AffineBlockLayout layout, float[] weight, int row, byte[] codes, Half[] scales, Half[] minima)
    {
        for (int b = 0; b < layout.Blocks; b++)
        {
            int first = row * layout.Inputs + b * BlockInputs, count = Math.Min(BlockInputs, layout.Inputs - b * BlockInputs);
            if (Grid(layout, weight.AsSpan(first, count), codes.AsSpan(first, count)) is not var (scale, minimum)) return false;
            (scales[row * layout.Blocks + b], minima[row * layout.Blocks + b]) = (scale, minimum);
        }
        return true;
    }

    /// <summary>A block's scale and minimum with its codes, or null where it lies on no grid of this kind.</summary>
    static (Half Scale, Half Minimum)? Grid(AffineBlockLayout layout, ReadOnlySpan<float> block, Span<byte> codes)
    {
        float least = float.PositiveInfinity, most = float.NegativeInfinity, farthest = 0;
        foreach (float w in block)
        {
            if (!float.IsFinite(w)) return null;
            (least, most, farthest) = (MathF.Min(least, w), MathF.Max(most, w), MathF.Max(farthest, MathF.Abs(w)));
        }
        return layout.HasMinima ? GridFrom(layout, block, least, most - least, codes) : GridAround(layout, block, farthest, codes);
    }

    // The farthest weight is so many levels from the middle; a scale may be negative, as Q4_0's is.
    static (Half Scale, Half Minimum)? GridAround(AffineBlockLayout layout, ReadOnlySpan<float> block, float farthest, Span<byte> codes)
    {
        if (farthest == 0) return Take(layout, block, default, default, codes) ? (default, default) : null;
        for (int level = layout.Zero; level >= 1; level--)
        {
            var scale = (Half)(farthest / level);
            if (Take(layout, block, scale, default, codes)) return (scale, default);
            if (Take(layout, block, -scale, default, codes)) return (-scale, default);
        }
        return null;
    }

    // The least weight is at some level, mostly the first, and the largest so many above it. Sums were rounded: the scale may be a neighbour of what is measured.
    static (Half Scale, Half Minimum)? GridFrom(AffineBlockLayout layout, ReadOnlySpan<float> block, float least, float span, Span<byte> codes)
    {
        if (span == 0) return Take(layout, block, default, (Half)least, codes) ? (default, (Half)least) : null;
        int top = (1 << layout.Bits) - 1;
        for (int levels = top; levels >= 1; levels--)
        {
            var near = (Half)(span / levels);
            foreach (Half scale in (ReadOnlySpan<Half>)[near, Half.BitIncrement(near), Half.BitDecrement(near)])
                for (int first = 0; first <= top - levels; first++)
                    if ((Half)(least - first * (float)scale) is var minimum && Take(layout, block, scale, minimum, codes)) return (scale, minimum);
        }
        return null;
    }

    static bool Take(AffineBlockLayout layout, ReadOnlySpan<float> block, Half scale, Half minimum, Span<byte> codes)
    {
        float step = (float)scale, origin = (float)minimum;
        if (!float.IsFinite(step) || !float.IsFinite(origin)) return false;
        for (int i = 0; i < block.Length; i++)
        {
            float code = step == 0 ? layout.Zero : MathF.Round((block[i] - origin) / step) + layout.Zero;
            if (!(code >= 0 && code < 1 << layout.Bits) || step * (code - layout.Zero) + origin != block[i]) return false;
            codes[i] = (byte)code;
        }
        return true;
    }
}
