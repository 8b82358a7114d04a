namespace OnnxEff.Cli.Diff;

/// <summary>A section of the first model and what it is in the second; one of them may be missing.</summary>
sealed record SectionPair(Section? Before, Section? After)
{
    /// <summary>The section that is there.</summary>
    public Section Any => (Before ?? After)!;
}

/// <summary>Pairs that are all alike: one stands for all.</summary>
/// <param name="Pairs">The pairs; at least one.</param>
/// <param name="IsSame">True if both sides have one form.</param>
sealed record PairGroup(IReadOnlyList<SectionPair> Pairs, bool IsSame)
{
    /// <summary>The pair that is shown.</summary>
    public SectionPair First => Pairs[0];
}

/// <summary>Weights and other constants of two models, compared byte by byte.</summary>
sealed record WeightChange(int Kept, long KeptBytes, int Gone, long GoneBytes, int New, long NewBytes);

/// <summary>What differs between two models.</summary>
sealed class ModelDiff
{
    ModelDiff(ModelSide before, ModelSide after)
    {
        (Before, After, Forms) = (before, after, new(before, after));
        Groups = [.. Pairs().GroupBy(pair => (pair.Any.Kind, Before: FormOf(pair.Before), After: FormOf(pair.After)))
            .Select(group => new PairGroup([.. group], group.Key.Before == group.Key.After))];
        Weights = CompareWeights();
    }

    /// <summary>The first model.</summary>
    public ModelSide Before { get; }

    /// <summary>The second model.</summary>
    public ModelSide After { get; }

    /// <summary>What is alike.</summary>
    public Forms Forms { get; }

    /// <summary>The sections in order, alike layers together at the place of the first.</summary>
    public IReadOnlyList<PairGroup> Groups { get; }

    /// <summary>What became of the weights.</summary>
    public WeightChange Weights { get; }

    /// <summary>True if inputs and outputs have the same names and types in the same order.</summary>
    public bool HasSamePorts => Before.Inputs.SequenceEqual(After.Inputs) && Before.Outputs.SequenceEqual(After.Outputs);

    /// <summary>True if nothing that computes differs; names and the order of nodes may.</summary>
    public bool IsSame => Forms.IsSame && HasSamePorts
        && Before.Model.Opsets.OrderBy(set => set.Key, StringComparer.Ordinal).SequenceEqual(After.Model.Opsets.OrderBy(set => set.Key, StringComparer.Ordinal));

    /// <summary>Layers of the first model in which one operator is the attention, and in the second.</summary>
    public (int Before, int After) FusedAttentions => (Before.Layers.Count(layer => layer.HasFusedAttention), After.Layers.Count(layer => layer.HasFusedAttention));

    /// <summary>What differs, in a sentence.</summary>
    public string Verdict => IsSame ? HasSameNames ? "No difference." : "No difference but in names and the order of nodes."
        : !Groups.All(group => group.IsSame) ? $"{Before.Size.Nodes} nodes before, {After.Size.Nodes} after."
        : Weights.Gone + Weights.New > 0 ? "The same operators with other weights."
        : HasSamePorts ? "The same operators; their constants, attributes or operator sets differ." : "The same operators; inputs or outputs differ.";

    /// <summary>Compares two models. Where layers are found in one only, both are compared as a whole.</summary>
    public static ModelDiff Of(ModelSide before, ModelSide after) =>
        before.Layers.Any() == after.Layers.Any() ? new(before, after) : new(before.Uncut, after.Uncut);

    bool HasSameNames => Before.Model.Graph.Nodes.SelectMany(node => node.Outputs.Select(output => output.Name).Prepend(node.Name))
        .SequenceEqual(After.Model.Graph.Nodes.SelectMany(node => node.Outputs.Select(output => output.Name).Prepend(node.Name)));

    int FormOf(Section? section) => section is null ? -1 : Forms.Of(section);

    IEnumerable<SectionPair> Pairs()
    {
        foreach (var kind in Enum.GetValues<SectionKind>())
        {
            Section[] before = [.. Before.Sections.Where(section => section.Kind == kind)], after = [.. After.Sections.Where(section => section.Kind == kind)];
            foreach (var (i, j) in LayerPairing.Of([.. before.Select(Forms.Of)], [.. after.Select(Forms.Of)]))
                yield return new(i < 0 ? null : before[i], j < 0 ? null : after[j]);
        }
    }

    WeightChange CompareWeights()
    {
        var before = BytesOf(Before);
        var after = BytesOf(After);
        var (kept, gone, added) = (before.Keys.Intersect(after.Keys).ToArray(), before.Keys.Except(after.Keys).ToArray(), after.Keys.Except(before.Keys).ToArray());
        return new(kept.Length, kept.Sum(c => before[c]), gone.Length, gone.Sum(c => before[c]), added.Length, added.Sum(c => after[c]));
    }

    Dictionary<int, long> BytesOf(ModelSide side)
    {
        var bytes = new Dictionary<int, long>();
        foreach (var tensor in side.Model.Tensors.Distinct()) bytes[Forms.Of(tensor)] = tensor.Data.Length;
        return bytes;
    }
}
