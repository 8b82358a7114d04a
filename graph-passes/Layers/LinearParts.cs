using OnnxEff.GraphPasses.Raise;
using OnnxEff.Ir;
using OnnxEff.Ops.Llm;

namespace OnnxEff.GraphPasses.Layers;

/// <summary>Products with constant matrices, and lookups in tables. Experts' matrices belong to their mixture.</summary>
static class LinearParts
{
    static readonly LinearLayers s_rules = new();

    /// <summary>All of them.</summary>
    public static IEnumerable<Part> Find(Graph graph)
    {
        foreach (var node in graph.Nodes)
        {
            if (node.Is(Vocabulary.Linear, Vocabulary.Domain))
            {
                var isStored = node.Text("format") == Vocabulary.MatMulNBits;
                yield return new(node, Meanings.Linear, isStored ? "MatMulNBits" : "MatMul",
                    isStored ? $"{node.Int("bits", 4)} bits in blocks of {node.Int("block_size")}" : $"{node.Input(1)?.Type?.Element} weights");
            }
            else if (IsLookup(node))
                yield return new(node, Meanings.Embedding, node.OpType, "one operator: nothing to fuse");
            else if (Walk.IsProjection(node) && node.OpType is not ("MoE" or "QMoE" or "Conv") && !HasMatrices(node))
                yield return s_rules.NearestMiss(node.Outputs) is { } miss ? new(node, Meanings.Linear, null, miss.Sentence, miss.NodeName)
                    : new(node, Meanings.Linear, null, $"no rule is for {node.OpType}");
        }
    }

    /// <summary>Experts have a matrix each.</summary>
    static bool HasMatrices(Node node) => node.Input(1)?.Type?.Shape?.Rank > 2;

    static bool IsLookup(Node node) => node.OpType switch
    {
        "Gather" => node.Input(0) is { } table && Walk.IsWeight(table) && table.Type is { Shape.Rank: 2 } type && type.Element.IsFloat()
            && node.Input(1) is { Constant: null },
        "GatherBlockQuantized" or "AffineGather" or "EmbedLayerNormalization" => true,
        _ => false,
    };
}
