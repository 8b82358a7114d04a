using OnnxEff.GraphPasses.Raise.Positions;
using OnnxEff.Ir;
using OnnxEff.Ops.Llm;
using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses.Raise.Attention;

/// <summary>
/// Establishes what the masks and rotations of all sites mean, with one evaluation of the positional part of the graph for
/// all of them together.
/// </summary>
sealed class PositionFacts
{
    readonly TokenInputs? _tokens;
    readonly Dictionary<Value, List<(PositionSample Sample, Tensor Tensor)>> _evaluated = [];
    readonly Dictionary<string, MaskMeaning> _meanings = [];
    readonly IReadOnlyDictionary<Value, string> _refused = new Dictionary<Value, string>();
    readonly IReadOnlyList<long> _windows = [];
    readonly List<PositionSample> _samples = [];
    readonly List<int> _untested = []; // Lengths of samples that would take too much memory to evaluate.

    public PositionFacts(Model model, TokenInputs? tokens, IReadOnlyList<AttentionSite> sites, IGraphEvaluator evaluator)
    {
        _tokens = tokens;
        if (tokens is null)
            return;
        var masks = sites.SelectMany(s => s.Masks).Select(m => m.Value).Where(v => v.Constant is null).Distinct().ToList();
        var angles = sites.SelectMany(s => s.Rotation is { } r ? (Value[])[r.Cos, r.Sin] : []).Where(v => v.Constant is null);
        var made = PositionalCut.TryMake(model, tokens, masks.Concat(angles), evaluator, out var cut, out _refused);
        if (!made)
            return;
        using (cut)
        {
            _windows = WindowSizes.Of(tokens, masks);
            foreach (var sample in PositionSample.Draw(_windows, tokens.Caches.Count > 0))
            {
                if (cut!.IsCostly(sample))
                {
                    _untested.Add(sample.Total);
                    continue;
                }
                if (cut.TryEvaluate(sample) is not { } tensors)
                    continue;
                _samples.Add(sample);
                for (var i = 0; i < tensors.Count; i++)
                    (_evaluated.TryGetValue(cut.Targets[i], out var list) ? list : _evaluated[cut.Targets[i]] = []).Add((sample, tensors[i]));
            }
        }
    }

    /// <summary>The site with the meaning of its masks and its rotation.</summary>
    public AttentionSite Complete(AttentionSite site)
    {
        if (site.KeysAreGiven)
            return site with { Mask = new(new(false, null, false), null, site.Masks.Count > 0, "all keys are given") };
        var key = string.Join(' ', site.Masks.Select(m => $"{m.Form} {m.Value.Name}"));
        if (!_meanings.TryGetValue(key, out var meaning))
            _meanings.Add(key, meaning = Meaning(site.Masks));
        if (site.KeyMask is not null && meaning.Rule?.Padding == true)
            meaning = Unknown("the operator has another mask over keys");
        if (meaning.Slopes is not null && site.Sinks is not null)
            meaning = meaning with { Slopes = null, HasBias = true, Because = $"{meaning.Because}; beside sinks what is added stays a tensor" };
        else if (meaning.Slopes?.All(s => s == 0) == true)
            meaning = meaning with { Slopes = null };
        return site with { Mask = meaning, RotaryFact = Meaning(site.Rotation) };
    }

    MaskMeaning Meaning(IReadOnlyList<MaskTensor> masks)
    {
        if (masks.Count == 0)
            return new(new(false, null, false), null, false, "no mask in the graph");
        if (_tokens is null)
            return Unknown("no input of the graph is understood as token ids, so the mask cannot be evaluated");
        if (masks.FirstOrDefault(m => _refused.ContainsKey(m.Value)) is { Value: { } refused })
            return Unknown(_refused[refused]);
        var samples = masks.All(m => m.Value.Constant is not null) ? [.. PositionSample.Draw([])] : _samples;
        var (grids, misfit) = (new List<MaskGrid>(), "");
        for (var i = 0; i < samples.Count; i++)
        {
            var grid = new MaskGrid(samples[i]);
            if (masks.Select(m => Add(m, i, grid)).FirstOrDefault(b => b is not null) is { } because)
                misfit = because;
            else
                grids.Add(grid);
        }
        if (grids.Count * 2 < samples.Count)
            return Unknown(misfit);
        if (_untested.Count > 0 && masks.Any(m => m.Value.Constant is null))
            return Unknown($"a window of up to {_untested.Max()} keys cannot be ruled out: so long a mask takes too much memory to evaluate");
        return MaskRecognizer.Recognize(grids, _windows, _tokens.AttentionMask is not null);
    }

    /// <summary>
    /// Adds a mask to a grid, or says why it does not fit. Where a past is longer than the table that a mask is cut from, a graph makes
    /// masks that it cannot use, or one number for all keys.
    /// </summary>
    string? Add(MaskTensor mask, int sample, MaskGrid grid)
    {
        if (mask.Value.Constant is { } constant)
            return grid.Add(constant, mask.Form == MaskForm.HidesKeys);
        var all = _evaluated[mask.Value];
        var spans = all.Exists(e => e.Sample.Total > 1 && e.Tensor.Rank > 0 && e.Tensor.Dims[^1] == e.Sample.Total);
        var tensor = all[sample].Tensor;
        return spans && tensor.Dims[^1] != grid.Sample.Total
            ? $"the mask has {tensor.Dims[^1]} columns for {grid.Sample.Total} keys" : grid.Add(tensor, mask.Form == MaskForm.HidesKeys);
    }

    static MaskMeaning Unknown(string because) => new(null, null, true, because);

    /// <summary>The site without its rotation if the tables are of full width and do not hold each angle twice.</summary>
    public AttentionSite DropUnreadableRotation(AttentionSite site) => site.Rotation is { } rotation && !AreDoubled(rotation)
        ? site.Unrotated! with { RotaryLeft = "the two elements of a pair turn by different angles" } : site;

    /// <summary>True if the tables hold each angle twice, as a full-width rotation needs: in halves or in pairs.</summary>
    bool AreDoubled(Rotation rotation) => Table(rotation.Cos).Concat(Table(rotation.Sin)).All(t => IsDoubled(t, rotation))
        && Table(rotation.Cos).Any();

    RotaryFact? Meaning(Rotation? rotation)
    {
        if (rotation is null || _tokens is null)
            return null;
        if (rotation.Cos.Constant is { Rank: 2 } cos && rotation.Sin.Constant is { } sin)
            return RotaryFact.TryRecognize(cos, sin, [.. Enumerable.Range(0, (int)cos.Dims[0]).Select(i => (long)i)], (int)rotation.Width, rotation.Interleaved);
        foreach (var ((sample, c), (_, s)) in _evaluated.GetValueOrDefault(rotation.Cos, []).Zip(_evaluated.GetValueOrDefault(rotation.Sin, [])))
        {
            if (sample.Padding != Padding.None || sample.New < 4)
                continue;
            var rows = c.Count / Columns(c) / sample.New;
            var positions = Enumerable.Range(0, (int)rows).SelectMany(b => Enumerable.Range(0, sample.New).Select(i => (long)sample.PositionOf(b, i)));
            if (RotaryFact.TryRecognize(c, s, [.. positions], (int)rotation.Width, rotation.Interleaved) is { } fact)
                return fact;
        }
        return null;
    }

    IEnumerable<Tensor> Table(Value value) => value.Constant is { } constant ? [constant]
        : _evaluated.GetValueOrDefault(value, []).Select(e => e.Tensor);

    static bool IsDoubled(Tensor table, Rotation rotation)
    {
        var columns = Columns(table);
        if (columns == rotation.Width / 2)
            return true;
        if (columns != rotation.Width || table.ToDouble() is not { } values)
            return false;
        for (var at = 0; at < values.Length; at++)
        {
            var column = at % columns;
            var twin = rotation.Interleaved ? at ^ 1 : column < columns / 2 ? at + (columns / 2) : at - (columns / 2);
            if (values[at] != values[twin])
                return false;
        }
        return true;
    }

    static int Columns(Tensor table) => (int)(table.Dims.ToArray().LastOrDefault(d => d != 1) is > 0 and var wide ? wide : 1);
}
