using OnnxEff.Ir;

namespace OnnxEff.GraphPasses.Raise.Positions;

/// <summary>
/// Finds the <see cref="MaskFact"/> that a mask tensor obeys, from its values on samples. Boolean masks say true for a
/// visible key; additive masks are 0 there and at most <see cref="Hidden"/> elsewhere. Rows of padding have no meaning
/// and are not compared.
/// </summary>
public static class MaskRecognizer
{
    /// <summary>An additive mask this low hides a key: exp(-1e4) is 0 in every float type.</summary>
    const double Hidden = -1e4;

    /// <summary>Recognises a mask.</summary>
    /// <param name="evaluated">The mask on each sample, with axes that broadcast to [B, H, S, T].</param>
    /// <param name="windows">Window sizes to try.</param>
    /// <param name="hasPaddingInput">True if the graph has an attention mask that padding can come from.</param>
    /// <param name="fact">The fact, if exactly one simplest candidate agrees on every sample.</param>
    /// <param name="because">How the fact was established, or why there is none.</param>
    public static bool TryRecognize(IReadOnlyList<(PositionSample Sample, Tensor Mask)> evaluated,
        IReadOnlyList<long> windows, bool hasPaddingInput, out MaskFact fact, out string because)
    {
        fact = new(false, null, false);
        if (evaluated.Count == 0)
        {
            because = "the mask could not be evaluated on any sample";
            return false;
        }
        var grids = new List<(PositionSample Sample, VisibilityGrid Grid)>();
        foreach (var (sample, mask) in evaluated)
        {
            if (!VisibilityGrid.TryRead(mask, sample, out var grid, out because))
                return false;
            grids.Add((sample, grid));
        }
        foreach (var candidate in Candidates(windows, hasPaddingInput))
        {
            if (!grids.TrueForAll(g => g.Grid.Agrees(g.Sample, candidate)))
                continue;
            fact = candidate;
            because = $"agreed on {grids.Count} of {grids.Count} samples";
            return true;
        }
        because = $"no combination of causal, window and padding agrees with the mask on {grids.Count} samples";
        return false;
    }

    /// <summary>Simplest first, so that a window that no sample reaches is never claimed.</summary>
    static IEnumerable<MaskFact> Candidates(IReadOnlyList<long> windows, bool hasPaddingInput) =>
        from window in windows.Select(w => (long?)w).Prepend(null)
        from causal in (bool[])[false, true]
        from padding in hasPaddingInput ? (bool[])[false, true] : [false]
        select new MaskFact(causal, window, padding);

    /// <summary>Which keys a mask shows, read through broadcasting.</summary>
    sealed class VisibilityGrid(bool[] visible, int[] dims)
    {
        public bool Agrees(PositionSample sample, MaskFact fact)
        {
            for (var b = 0; b < sample.Batch; b++)
            {
                for (var q = 0; q < sample.New; q++)
                {
                    if (!sample.IsToken(b, sample.Past + q))
                        continue;
                    for (var k = 0; k < sample.Total; k++)
                    {
                        for (var h = 0; h < dims[1]; h++)
                        {
                            if (visible[Index(b, h, q, k)] != fact.Sees(sample, b, q, k))
                                return false;
                        }
                    }
                }
            }
            return true;
        }

        int Index(int b, int h, int q, int k) => ((((b % dims[0] * dims[1]) + (h % dims[1])) * dims[2]
            + (q % dims[2])) * dims[3]) + (k % dims[3]);

        public static bool TryRead(Tensor mask, PositionSample sample, out VisibilityGrid grid, out string because)
        {
            grid = new([], [1, 1, 1, 1]);
            long[] dims = [.. Enumerable.Repeat(1L, Math.Max(0, 4 - mask.Rank)), .. mask.Dims];
            var fits = dims.Length == 4 && (dims[0] == 1 || dims[0] == sample.Batch)
                && (dims[2] == 1 || dims[2] == sample.New) && (dims[3] == 1 || dims[3] == sample.Total);
            if (!fits || mask.ToDouble() is not { } values)
            {
                because = $"the mask is {mask.Element}[{string.Join(", ", mask.Dims.ToArray())}] where "
                    + $"[{sample.Batch}, heads, {sample.New}, {sample.Total}] was expected";
                return false;
            }
            var visible = new bool[values.Length];
            for (var i = 0; i < values.Length; i++)
            {
                visible[i] = mask.Element == ElementType.Bool ? values[i] != 0 : values[i] == 0;
                if (mask.Element != ElementType.Bool && !visible[i] && !(values[i] <= Hidden))
                {
                    because = $"the mask holds {values[i]:G6}, which is neither 0 nor low enough to hide a key";
                    return false;
                }
            }
            grid = new(visible, Array.ConvertAll(dims, d => (int)d));
            because = "";
            return true;
        }
    }
}
