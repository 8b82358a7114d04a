using OnnxEff.Ir;
using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses.Layers;

/// <summary>
/// Says of each layer what its parts became: one line for each meaning, and one for each part that was left. Read off the raised
/// graph, so that nothing that is in it can be forgotten; what a target then cannot say is added from the refusals.
/// </summary>
static class LayerReports
{
    /// <summary>The parts of a raised graph, before it is lowered.</summary>
    public static RaisedLayers OfRaised(Model model, IReadOnlyCollection<Refusal> refusals)
    {
        model.Graph.Sort();
        var centres = AttentionParts.Centres(model.Graph);
        var map = new LayerMap(model.Graph, centres);
        List<Part> parts =
        [
            .. AttentionParts.Find(model.Graph, centres, refusals, map), .. NormParts.Find(model.Graph),
            .. MlpParts.Find(model.Graph, centres, map), .. LinearParts.Find(model.Graph),
        ];
        var told = parts.Select(p => (p.Meaning, p.Sentence)).ToHashSet();
        return new(centres.Count, [.. parts.Select(p => Line(p, map.Of(p.Node))),
            // What was refused and is not among the parts any more: constants that cannot be folded, functions that cannot be inlined.
            .. refusals.Where(r => !told.Contains((Meanings.Of(r.Rule), r.Sentence)))
                .Select(r => new LayerReport(map.Of(r.NodeName), Meanings.Of(r.Rule), r.NodeName, null, r.Sentence))]);
    }

    static LayerReport Line(Part part, int layer) =>
        new(layer, part.Meaning, part.EndName ?? Match.NameOf(part.Node), part.Became, part.Sentence);
}

/// <summary>What was found in a raised graph.</summary>
/// <param name="Count">The number of layers.</param>
/// <param name="Parts">A line for each part.</param>
sealed record RaisedLayers(int Count, IReadOnlyList<LayerReport> Parts)
{
    /// <summary>The lines once the graph is lowered.</summary>
    /// <param name="lowered">The lowered graph: its operators have the names of the raised ones.</param>
    /// <param name="refusals">What the target cannot say.</param>
    /// <param name="names">Names in the user's file.</param>
    public IReadOnlyList<LayerReport> Lowered(Graph lowered, IReadOnlyCollection<Refusal> refusals, FileNames names)
    {
        var operators = new LoweredAttentions(lowered);
        var refused = refusals.GroupBy(r => r.NodeName).ToDictionary(g => g.Key, g => g.First());
        IEnumerable<LayerReport> lines = Parts.Select(part => part.IsRefused ? part
            : part.Meaning is Meanings.Attention or Meanings.Norm or Meanings.Mlp or Meanings.Linear && refused.TryGetValue(part.NodeName, out var refusal) && Meanings.Of(refusal.Rule) == part.Meaning
                ? part with { Became = null, Sentence = refusal.Sentence }
            : part.Meaning == Meanings.Attention ? part with { Became = operators.Became(part.NodeName) }
            : part is { Meaning: Meanings.Rotary, Became: "inside attention" } ? part with { Became = operators.Rotates(part.NodeName) }
            : part);
        return Lines(lines, names);
    }

    /// <summary>The lines of the raised graph.</summary>
    public IReadOnlyList<LayerReport> Lines(FileNames names) => Lines(Parts, names);

    /// <summary>One line for all parts of a layer that are alike; a part that was left has one of its own.</summary>
    static IReadOnlyList<LayerReport> Lines(IEnumerable<LayerReport> parts, FileNames names) =>
        [.. parts.Select(l => l with { NodeName = names.Of(l.NodeName) })
            .GroupBy(l => (l.Layer, l.Meaning, l.Became, l.Sentence, Name: l.IsRefused ? l.NodeName : ""))
            .Select(g => g.First() with { Count = g.Sum(l => l.Count) })
            .OrderBy(l => l.Layer < 0 ? int.MaxValue : l.Layer).ThenBy(l => Meanings.Rank(l.Meaning))];
}
