using OnnxEff.Ir;
using OnnxEff.Ops.Llm;
using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses.Layers;

/// <summary>
/// Attentions of a raised graph and their rotations. One that is still spelled out is found by its softmax (or exponential) over a
/// product of two computed values, one that is still another operator by that operator's name.
/// </summary>
static class AttentionParts
{
    /// <summary>The attentions in order.</summary>
    public static IReadOnlyList<Centre> Centres(Graph graph) => [.. graph.Nodes
        .Select(n => n.OpType.EndsWith("Attention", StringComparison.Ordinal) ? new(n, n) : Product(n) is { } product ? new Centre(n, product) : (Centre?)null)
        .OfType<Centre>()];

    /// <summary>The attentions with their rotations.</summary>
    public static IEnumerable<Part> Find(Graph graph, IReadOnlyList<Centre> centres, IReadOnlyCollection<Refusal> refusals, LayerMap map)
    {
        var angles = new Angles(graph);
        foreach (var (node, _) in centres)
        {
            if (LlmAttention.Fits(node))
            {
                var attention = new LlmAttention(node);
                yield return new(node, Meanings.Attention, "attention", AttentionFacts.Of(attention).ToString());
                yield return Rotation(attention, angles);
                continue;
            }
            var name = Match.NameOf(node);
            var why = refusals.FirstOrDefault(r => r.RootName == name || r.NodeName == name)
                ?? refusals.FirstOrDefault(r => Meanings.Of(r.Rule) == Meanings.Attention && map.Of(r.NodeName) == map.Of(node));
            yield return new(node, Meanings.Attention, null, why?.Sentence ?? $"{node.OpType} is no operator that is raised", why?.NodeName);
            yield return node.Int("do_rotary") != 0 ? new(node, Meanings.Rotary, $"inside {node.OpType}", "table inside the operator, as in the file")
                : angles.Rotation(node.Inputs) is { } turn
                    ? new(turn, Meanings.Rotary, null, "it stays in the graph, as the attention that it belongs to does") : None(node);
        }
    }

    static Part Rotation(LlmAttention attention, Angles angles)
    {
        if (attention.RotaryFact.Length > 0)
            return new(attention.Node, Meanings.Rotary, "inside attention", attention.RotaryFact + (attention.RotaryInterleaved ? ", interleaved" : ""));
        var turn = angles.Rotation([attention[AttentionInput.Query], attention[AttentionInput.Key]]);
        var left = attention.RotaryLeft;
        return left.Length > 0 || turn is not null
            ? new(turn ?? attention.Node, Meanings.Rotary, null, left.Length > 0 ? left : "queries or keys are multiplied with cosines and sines in a way that is no known rotation")
            : None(attention.Node);
    }

    static Part None(Node attention) => new(attention, Meanings.Rotary, "none in this layer", "");

    /// <summary>The product with values that follows a softmax over a product of queries and keys; null if the node is none.</summary>
    static Node? Product(Node node) => node.Domain.Length == 0 && node.OpType is "Softmax" or "Exp"
        && Walk.Back(node.Inputs).Any(n => n.Is("MatMul") && n.Inputs.All(v => v is not null && !Walk.IsWeight(v)))
        ? Walk.Forward(node).FirstOrDefault(n => n.OpType is "MatMul" or "Einsum" && !Walk.IsProjection(n)) : null;
}

/// <summary>The centre of a layer.</summary>
/// <param name="Node">The node that says "attention": the operator, or the softmax.</param>
/// <param name="Result">The node through which all that is attended to passes: the operator, or the product with the values.</param>
readonly record struct Centre(Node Node, Node Result);
