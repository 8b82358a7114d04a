using OnnxEff.Ir;
using OnnxEff.Ops;
using OnnxEff.Ops.Llm;

namespace OnnxEff.GraphPasses.Lower;

/// <summary><c>llm.Attention ⇒ onnxeff.BlockMaskedAttention</c>: the same inputs in the same order.</summary>
static class AttentionToOnnxEff
{
    static readonly string[] Attributes = [.. BlockMaskedAttention.Schema.Attributes.Select(attribute => attribute.Name)];

    /// <summary>Why the operator cannot say what the node says, or null.</summary>
    public static string? Refusal(LlmAttention attention)
    {
        var element = attention[AttentionInput.Query]?.Type?.Element;
        return element is ElementType.Float32 or ElementType.Float16 or ElementType.BFloat16 ? null
            : $"BlockMaskedAttention computes float32, float16 and bfloat16, not {element}";
    }

    /// <summary>Replaces the node.</summary>
    public static void Lower(LlmAttention attention)
    {
        var source = attention.Node;
        var node = source.Graph.AddNode(nameof(BlockMaskedAttention), OnnxEffOperators.Domain, [.. source.Inputs]);
        node.Name = source.Name;
        foreach (var name in Attributes)
            node.SetAttribute(name, source.Attributes.GetValueOrDefault(name));
        source.HandOutputsTo(node);
    }
}
