using OnnxEff.Ops.Llm;
using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses.Lower;

/// <summary>
/// llm.Attention ⇒ the attention operator of the target: onnxeff.BlockMaskedAttention, com.microsoft.GroupQueryAttention, or standard
/// operators. What the target's operator cannot say is spelled out in standard operators, with the sentence.
/// </summary>
public sealed class LowerAttention(Target target) : GraphPass
{
    /// <inheritdoc/>
    public override string Name => "lower-attention";

    /// <inheritdoc/>
    public override string Summary => "llm.Attention ⇒ BlockMaskedAttention, GroupQueryAttention or standard ONNX";

    /// <inheritdoc/>
    public override Exactness Exactness => Exactness.Reassociates;

    /// <inheritdoc/>
    public override PassResult Run(PassContext context)
    {
        _ = context.Shapes;
        var model = context.Model;
        var signature = DecoderSignature.Recognise(model.Graph, out _);
        var toGroupQuery = new AttentionToGroupQuery(model, signature);
        LlmAttention[] attentions = [.. model.Graph.Nodes.Where(LlmAttention.Fits).Select(n => new LlmAttention(n))];
        foreach (var attention in attentions)
        {
            var refusal = target switch
            {
                Target.OnnxEff => AttentionToOnnxEff.Refusal(attention),
                Target.Ort => toGroupQuery.Refusal(attention),
                _ => null,
            };
            if (refusal is not null)
                context.Refuse(this, attention.Node, refusal);
            if (refusal is not null || target == Target.Onnx)
                AttentionToPrimitives.Lower(attention, model);
            else if (target == Target.Ort)
                toGroupQuery.Lower(attention);
            else
                AttentionToOnnxEff.Lower(attention);
        }
        if (attentions.Length > 0)
            model.Graph.Sort();
        return new(attentions.Length);
    }
}
