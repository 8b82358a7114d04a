namespace OnnxEff.GraphPasses.Raise.Positions;

/// <summary>
/// Finds the <see cref="MaskFact"/> that masks obey, and ALiBi slopes, from their values on samples. Boolean masks say which keys are
/// visible; additive masks are low at hidden keys. Rows of padding have no meaning and are not compared.
/// </summary>
public static class MaskRecognizer
{
    /// <summary>Recognises masks.</summary>
    /// <param name="grids">The masks of one attention on each sample.</param>
    /// <param name="windows">Sizes of windows and chunks to try.</param>
    /// <param name="hasPaddingInput">True if the graph has an attention mask that padding can come from.</param>
    public static MaskMeaning Recognize(IReadOnlyList<MaskGrid> grids, IReadOnlyList<long> windows, bool hasPaddingInput)
    {
        if (grids.Count == 0)
            return new(null, null, true, "the mask could not be evaluated on any sample");
        var agreed = $"agreed on {grids.Count} of {grids.Count} samples";
        var rule = Candidates([.. windows.Union(grids.SelectMany(Reach)).Order()], hasPaddingInput).FirstOrDefault(c => grids.All(g => g.Agrees(c)));
        var hasBias = grids.Any(g => g.HasBias);
        if (rule is null)
            return new(null, null, true, $"no combination of causal, window, chunks and padding agrees with the mask on {grids.Count} samples") { OnlyHides = !hasBias };
        if (!hasBias)
            return new(rule, null, false, agreed);
        return AlibiSlopes.TryFind(grids) is { } slopes
            ? new(rule, slopes, false, agreed)
            : new(rule, null, true, $"{agreed}; what is added to the logits beside is no ALiBi and stays a tensor");
    }

    /// <summary>Simplest first, so that a window that no sample reaches is never claimed.</summary>
    static IEnumerable<MaskFact> Candidates(IReadOnlyList<long> windows, bool hasPaddingInput)
    {
        IEnumerable<MaskFact> unpadded =
        [
            new(false, null, false),
            new(true, null, false),
            .. windows.SelectMany(w => (MaskFact[])[new(true, w, false), new(false, w, false) { WindowRight = w - 1 }, new(false, w, false)]),
            .. windows.SelectMany(c => (MaskFact[])[new(true, null, false) { Chunk = c }, new(false, null, false) { Chunk = c }]),
        ];
        foreach (var rule in unpadded)
        {
            yield return rule;
            if (!hasPaddingInput)
                continue;
            yield return rule with { Padding = true };
            if (rule.Chunk is not null)
                yield return rule with { Padding = true, ChunkFromFirstToken = true };
        }
    }

    /// <summary>How far back the last query of an unpadded sample sees, if not to the start: tables hold windows that no number names.</summary>
    static IEnumerable<long> Reach(MaskGrid grid)
    {
        var sample = grid.Sample;
        if (sample.Padding != Padding.None || sample.New == 0)
            yield break;
        var (last, own) = (sample.New - 1, sample.Total - 1);
        var first = Enumerable.Range(0, sample.Total).FirstOrDefault(k => grid.Sees(0, 0, last, k), -1);
        if (first > 0)
            yield return own - first + 1;
    }
}
