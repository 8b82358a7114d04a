using System.Globalization;
using OnnxEff.Ir;
using OnnxEff.Ops.Llm;

namespace OnnxEff.GraphPasses.Layers;

/// <summary>
/// What stands between the linear layers of the feed-forward parts. An activation that is one operator is named and stays; one that
/// is spelled out was left. A layer whose tokens choose experts is a mixture of experts, which stays as a whole.
/// </summary>
static class MlpParts
{
    static readonly HashSet<string> s_single = ["Relu", "Elu", "Selu", "Celu", "LeakyRelu", "PRelu", "ThresholdedRelu", "HardSigmoid", "HardSwish", "Softplus",
        "Softsign", "Mish", "Gelu", "Swish", "QuickGelu", "FastGelu", "BiasGelu", "Tanh"];

    static readonly HashSet<string> s_spelled = ["Sigmoid", "Erf"];

    /// <summary>All activations, and a line for each layer that has none.</summary>
    public static IEnumerable<Part> Find(Graph graph, IReadOnlyList<Centre> centres, LayerMap map)
    {
        var routed = new HashSet<int>();
        var found = new HashSet<int>();
        foreach (var node in graph.Nodes.Where(IsChoice).Where(n => map.Of(n) >= 0 && routed.Add(map.Of(n))))
        {
            found.Add(map.Of(node));
            yield return node.OpType == "TopK" ? new(node, Meanings.Mlp, "mixture of experts, left intact", Choice(node))
                : new(node, Meanings.Mlp, node.OpType, "a mixture of experts as one operator: nothing to fuse");
        }
        foreach (var node in graph.Nodes)
        {
            var part = Raised(node) ?? (map.Of(node) >= 0 && !routed.Contains(map.Of(node)) ? Other(node) : null);
            if (part is null)
                continue;
            found.Add(map.Of(node));
            yield return part;
        }
        foreach (var (attention, _) in centres.Where((_, layer) => !found.Contains(layer)))
            yield return new(attention, Meanings.Mlp, "none in this layer", "no activation stands between two linear layers");
    }

    static Part? Raised(Node node) => node.Domain != Vocabulary.Domain ? null : node.OpType switch
    {
        Vocabulary.GatedActivation => new(node, Meanings.Mlp, "gated activation", Function(node)),
        Vocabulary.Activation => new(node, Meanings.Mlp, "activation", Function(node)),
        _ => null,
    };

    static Part? Other(Node node)
    {
        var isSingle = s_single.Contains(node.OpType);
        if (node.Domain is not ("" or "com.microsoft") || !(isSingle || s_spelled.Contains(node.OpType)))
            return null;
        var ahead = Walk.Forward(node, n => Walk.Passes(n) && n.OpType != "Softmax").ToArray();
        if (Array.Exists(ahead, n => n.OpType is "Softmax" or "TopK") || !Array.Exists(ahead, Walk.IsProjection))
            return null;
        // A Tanh of a polynomial belongs to something larger.
        if (isSingle && !(node.OpType == "Tanh" && node.Input(0)?.Producer is { OpType: "Mul" or "Add" }))
            return new(node, Meanings.Mlp, node.OpType, "one operator: nothing to fuse");
        return new(node, Meanings.Mlp, null, $"what {node.OpType} is part of has the values of no known activation");
    }

    static string Function(Node node) => node.Float("alpha", 1) is not 1 and var slope
        ? string.Create(CultureInfo.InvariantCulture, $"{node.Text("function")}, slope {slope:G4}") : node.Text("function");

    static bool IsChoice(Node node) => node.Is("TopK") || node.Is("MoE", "com.microsoft") || node.Is("QMoE", "com.microsoft");

    static string Choice(Node topK)
    {
        var experts = topK.Input(0)?.Type?.Shape is { Rank: > 0 } shape ? shape[(int)topK.Int("axis", -1)].Constant : null;
        return topK.Input(1)?.Constant?.ToScalar() is { } chosen && experts is not null ? $"{chosen} of {experts} experts for each token" : "experts for each token";
    }
}
