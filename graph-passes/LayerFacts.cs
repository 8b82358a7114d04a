using OnnxEff.GraphPasses.Layers;
using OnnxEff.Ir;
using OnnxEff.Ops.Llm;
using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses;

/// <summary>The architecture of one layer.</summary>
/// <param name="Layer">The layer, counted from 0.</param>
/// <param name="NodeName">Its attention in the user's file.</param>
/// <param name="Attention">The attention; null if it was left.</param>
/// <param name="Norms">Its norms: kinds with how often.</param>
/// <param name="Mlp">What stands between the linear layers of its feed-forward part.</param>
public sealed record LayerFacts(int Layer, string NodeName, AttentionFacts? Attention, string Norms, string Mlp)
{
    /// <summary>The layers of a raised graph.</summary>
    internal static IReadOnlyList<LayerFacts> Of(Graph graph, RaisedLayers layers, FileNames names)
    {
        var lines = layers.Lines(names).ToLookup(l => (l.Layer, l.Meaning));
        return [.. AttentionParts.Centres(graph).Select((centre, layer) => new LayerFacts(layer, names.Of(Match.NameOf(centre.Node)),
            LlmAttention.Fits(centre.Node) ? AttentionFacts.Of(new(centre.Node)) : null, Kinds(lines[(layer, Meanings.Norm)]), Kinds(lines[(layer, Meanings.Mlp)])))];
    }

    static string Kinds(IEnumerable<LayerReport> lines) => string.Join(", ", lines.GroupBy(Kind)
        .Select(g => g.Sum(l => l.Count) is > 1 and var count ? $"{count} {g.Key}" : g.Key));

    static string Kind(LayerReport line) => line.Became switch
    {
        null => "not recognised",
        "gated activation" => $"gated {line.Sentence}",
        "activation" => line.Sentence,
        var kind => kind,
    };
}
