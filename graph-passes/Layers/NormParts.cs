using OnnxEff.GraphPasses.Raise;
using OnnxEff.Ir;
using OnnxEff.Ops.Llm;

namespace OnnxEff.GraphPasses.Layers;

/// <summary>
/// Norms of a raised graph. One that is still spelled out is found by the root of a reduction: a square root, a power or a reciprocal
/// of one, by which something is multiplied or divided.
/// </summary>
static class NormParts
{
    static readonly NormRms s_rms = new();
    static readonly NormLayer s_layer = new();

    /// <summary>True for a norm, in whichever form.</summary>
    public static bool IsNorm(Node node) => node.OpType is Vocabulary.RmsNorm or "LayerNormalization" or "RMSNormalization" or "SimplifiedLayerNormalization"
        or "SkipLayerNormalization" or "SkipSimplifiedLayerNormalization" or "GroupNormalization" or "InstanceNormalization" or "LpNormalization"
        or "EmbedLayerNormalization" || IsRoot(node);

    /// <summary>All norms.</summary>
    public static IEnumerable<Part> Find(Graph graph)
    {
        foreach (var node in graph.Nodes.Where(IsNorm))
        {
            if (node.Is(Vocabulary.RmsNorm, Vocabulary.Domain))
                yield return new(node, Meanings.Norm, "RMS norm", $"epsilon {node.Float("epsilon"):g3}");
            else if (node.Is("LayerNormalization"))
                yield return new(node, Meanings.Norm, "LayerNormalization", $"epsilon {node.Float("epsilon", 1e-5f):g3}");
            else
                yield return node.OpType == "EmbedLayerNormalization" ? new(node, Meanings.Norm, node.OpType, "one operator: nothing to fuse") : Left(node);
        }
    }

    static Part Left(Node node)
    {
        var roots = Walk.Forward(node, n => n.Domain.Length == 0 && n.OpType is "Reciprocal" or "Div" or "Mul" or "Cast" or "Add" or "Max" or "Clip" or "Sqrt")
            .Prepend(node).SelectMany(n => n.Outputs).ToArray();
        var miss = s_rms.NearestMiss(roots);
        var other = s_layer.NearestMiss(roots);
        var farthest = other?.Depth > (miss?.Depth ?? 0) ? other : miss;
        return new(node, Meanings.Norm, null, farthest?.Sentence ?? $"no rule is for {node.OpType}", farthest?.NodeName);
    }

    static bool IsRoot(Node node) => node.Domain.Length == 0 && (node.OpType == "Sqrt" || (node.OpType == "Pow" && Math.Abs(node.Input(1)?.Constant?.ToScalar() ?? 0) == 0.5)
            || node.OpType == "ReduceL2")
        && Walk.Back(node.Inputs, n => n.Domain.Length == 0 && n.OpType is "Add" or "Cast" or "Max" or "Clip" or "Mul" or "Div" or "Sub")
            .Prepend(node).Any(n => n.OpType is "ReduceMean" or "ReduceSum" or "ReduceSumSquare" or "ReduceL2")
        && Walk.Forward(node).Any(n => n.OpType is "Div" or "Mul");
}
