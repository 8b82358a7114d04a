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
    readonly DecoderSignature? _signature;
    readonly Dictionary<Value, List<(PositionSample Sample, Tensor Tensor)>> _evaluated = [];
    readonly Dictionary<MaskTensor, (MaskFact? Fact, string Because)> _masks = [];
    readonly Dictionary<Value, string> _refused = [];
    readonly IReadOnlyList<long> _windows = [];
    readonly List<int> _untested = []; // Lengths of pasts that would take too much memory to evaluate.

    public PositionFacts(Model model, DecoderSignature? signature, IReadOnlyList<AttentionSite> sites, IGraphEvaluator evaluator)
    {
        _signature = signature;
        if (signature is null)
            return;
        var targets = sites.SelectMany(s => s.Masks.Select(m => m.Value)
            .Concat(s.Rotation is { } r ? (Value[])[r.Cos, r.Sin] : [])).Where(v => v.Constant is null).Distinct();
        var made = PositionalCut.TryMake(model, signature, targets, evaluator, out var cut, out var refused);
        _refused = new(refused);
        if (!made)
            return;
        using (cut)
        {
            _windows = cut!.WindowsToTry;
            foreach (var sample in PositionSample.Draw(_windows))
            {
                if (cut.IsCostly(sample))
                {
                    _untested.Add(sample.Past);
                    continue;
                }
                if (cut.TryEvaluate(sample) is not { } tensors)
                    continue;
                for (var i = 0; i < tensors.Count; i++)
                    (_evaluated.TryGetValue(cut.Targets[i], out var list) ? list : _evaluated[cut.Targets[i]] = []).Add((sample, tensors[i]));
            }
        }
    }

    /// <summary>The site with the meaning of its masks and its rotation; a rotation whose tables cannot be read is dropped.</summary>
    public AttentionSite Complete(AttentionSite site)
    {
        var fact = new MaskFact(site.IsCausal, null, false);
        var because = site.Masks.Count == 0 ? "no mask in the graph" : "";
        foreach (var mask in site.Masks)
        {
            var (part, sentence) = Meaning(mask);
            because = sentence;
            if (part is null)
                return site with { Mask = null, MaskBecause = because };
            fact = new(fact.Causal || part.Causal, Smaller(fact.Window, part.Window), fact.Padding || part.Padding);
        }
        return site with { Mask = fact, MaskBecause = because, RotaryFact = Meaning(site.Rotation) };
    }

    /// <summary>The site without its rotation if the tables are of full width and do not hold each angle twice.</summary>
    public AttentionSite DropUnreadableRotation(AttentionSite site) => site.Rotation is { } rotation && !AreDoubled(rotation)
        ? site.Unrotated! with { RotaryLeft = "the two elements of a pair turn by different angles" } : site;

    /// <summary>True if the tables hold each angle twice, as a full-width rotation needs: in halves or in pairs.</summary>
    bool AreDoubled(Rotation rotation) => Table(rotation.Cos).Concat(Table(rotation.Sin)).All(t => IsDoubled(t, rotation))
        && Table(rotation.Cos).Any();

    (MaskFact? Fact, string Because) Meaning(MaskTensor mask)
    {
        if (_masks.TryGetValue(mask, out var known))
            return known;
        if (_signature is null)
            return (null, "the graph's inputs are not those of a decoder, so the mask cannot be evaluated");
        if (_refused.TryGetValue(mask.Value, out var because))
            return (null, because);
        var evaluated = mask.Value.Constant is { } constant
            ? [.. PositionSample.Draw([]).Select(s => (s, constant))]
            : _evaluated.GetValueOrDefault(mask.Value, []);
        if (mask.Form == MaskForm.HidesKeys)
            evaluated = [.. evaluated.Select(e => (e.Sample, Not(e.Tensor)))];
        var found = MaskRecognizer.TryRecognize(evaluated, _windows, _signature.AttentionMask is not null, out var fact, out because);
        if (found && mask.Value.Constant is null && _untested.Count > 0)
            (found, because) = (false, $"a window of up to {_untested.Max()} keys cannot be ruled out: so long a mask takes too much memory to evaluate");
        return _masks[mask] = (found ? fact : null, because!);
    }

    RotaryFact? Meaning(Rotation? rotation)
    {
        if (rotation is null || _signature is null)
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

    static long? Smaller(long? a, long? b) => a is { } x && b is { } y ? Math.Min(x, y) : a ?? b;

    static Tensor Not(Tensor mask) => mask.Element == ElementType.Bool
        ? Tensor.Create<bool>(mask.Dims, Array.ConvertAll(mask.ToInt64()!, v => v == 0)) : mask;
}
