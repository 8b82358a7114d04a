using OnnxEff.Ir;
using OnnxEff.Ops.Llm;
using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses.Lower;

/// <summary>
/// <c>llm.Attention</c> in standard operators: rotation, cache, mask and softmax spelled out; from opset 23 on the operator
/// Attention takes the core. Groups of query heads are folded into the tokens, [B, Hkv, G·S, D], so that no head is repeated.
/// </summary>
static class AttentionToPrimitives
{
    /// <summary>Replaces the node.</summary>
    public static void Lower(LlmAttention attention, Model model)
    {
        var build = new GraphBuilder(attention.Node.Graph, attention.Node.Name);
        var operands = SpelledOperands.Of(attention, build, model.Opset);
        var core = new SpelledCore(attention, build, model.Opset, operands);
        var (mixed, product) = model.Opset >= 23 && CanFuse(attention) ? core.Fused() : core.Products();
        var flat = build.Op("Reshape", [build.Op("Transpose", [mixed], null, ("perm", (long[])[0, 2, 1, 3])),
            build.Constant(Tensor.Vector<long>(0, 0, (long)attention.Heads * attention.ValueHeadSize))], null);
        Hand(attention.Node, [flat, operands.PresentKey, operands.PresentValue, product]);
    }

    /// <summary>
    /// True if the operator Attention can take the core. It knows no sinks, and ONNX Runtime takes a mask only if it has a row
    /// for each query.
    /// </summary>
    static bool CanFuse(LlmAttention attention)
    {
        var queries = attention[AttentionInput.Query]!.Type!.Shape![1];
        var hasPlaces = SpelledMask.PlacesOf(attention) is { IsEmpty: false };
        var hasRows = hasPlaces || (attention[AttentionInput.KeyMask] ?? attention[AttentionInput.SeqlensK] ?? attention[AttentionInput.Slopes]) is null;
        return attention[AttentionInput.Sinks] is null && (attention[AttentionInput.Bias] is { } bias
            ? hasPlaces || (bias.Type?.Shape is { Rank: >= 2 } shape && shape[-2] == queries) : hasRows);
    }

    /// <summary>Hands what was made to the readers of the node's outputs.</summary>
    static void Hand(Node node, ReadOnlySpan<Value?> made)
    {
        for (var i = 0; i < node.Outputs.Count; i++)
        {
            var (name, output, value) = (node.Outputs[i].Name, node.Outputs[i], made[i]);
            if (name.Length == 0 || value is null)
                continue;
            if (value.Producer is null || value.IsOutput)
            {
                // Given keys are presents of themselves.
                Replacement.Put(output, value);
                continue;
            }
            value.Type = output.Type;
            output.Name = node.Graph.FreshName(name);
            output.ReplaceUsesWith(value);
            value.Name = name;
        }
        node.Graph.RemoveNode(node);
    }
}
