namespace OnnxEff.GraphPasses.Raise.Positions;

/// <summary>
/// ALiBi (Press et al., "Train Short, Test Long", section 3): the logit of a key gains slope · its index, up to a number that is the same
/// for all keys of a query, which a softmax does not see.
/// </summary>
static class AlibiSlopes
{
    /// <summary>
    /// A slope for each head, if what is added follows it on every sample. Samples with holes in the padding are left out: some models
    /// count tokens and some count indices there, and no host makes such masks.
    /// </summary>
    public static IReadOnlyList<double>? TryFind(IReadOnlyList<MaskGrid> grids)
    {
        var heads = grids.Max(g => g.Heads);
        var slopes = new double?[heads];
        foreach (var grid in grids.Where(g => g.Sample.Padding != Padding.Holes))
        {
            var sample = grid.Sample;
            for (var b = 0; b < sample.Batch; b++)
            {
                for (var q = 0; q < sample.New; q++)
                {
                    if (!sample.IsToken(b, sample.Past + q))
                        continue;
                    for (var h = 0; h < heads; h++)
                    {
                        if (!Follows(grid, b, h, q, ref slopes[h]))
                            return null;
                    }
                }
            }
        }
        return Array.TrueForAll(slopes, s => s is not null) ? [.. slopes.Select(s => s!.Value)] : null;
    }

    static bool Follows(MaskGrid grid, int b, int h, int q, ref double? slope)
    {
        var start = -1;
        for (var k = 0; k < grid.Sample.Total; k++)
        {
            if (!grid.Sees(b, h, q, k))
                continue;
            if (start < 0)
            {
                start = k;
                continue;
            }
            var gained = grid.Bias(b, h, q, k) - grid.Bias(b, h, q, start);
            slope ??= gained / (k - start);
            // Numbers of half precision are good to 2⁻¹¹ of the largest that was added.
            var tolerance = 1e-6 + (1e-3 * Math.Max(Math.Abs(grid.Bias(b, h, q, k)), Math.Abs(grid.Bias(b, h, q, start))));
            if (Math.Abs(gained - (slope.Value * (k - start))) > tolerance)
                return false;
        }
        return true;
    }
}
