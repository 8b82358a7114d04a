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
        var spellOut = new AttentionToPrimitives(model);
        LlmAttention[] attentions = [.. model.Graph.Nodes.Where(LlmAttention.Fits).Select(n => new LlmAttention(n))];
        foreach (var attention in attentions)
        {
            var refusal = target switch
            {
                Target.OnnxEff => AttentionToOnnxEff.Refusal(attention),
                Target.Ort => toGroupQuery.Refusal(attention),
                _ => AttentionToPrimitives.CanLower(attention) ? null
                    : "lengths by row cannot be said in standard operators, so GroupQueryAttention stays",
            };
            if (refusal is not null)
                context.Refuse(this, attention.Node, refusal);
            if (refusal is null && target == Target.OnnxEff)
                AttentionToOnnxEff.Lower(attention);
            else if (refusal is null && target == Target.Ort || !AttentionToPrimitives.CanLower(attention))
                toGroupQuery.Lower(attention);
            else
                spellOut.Lower(attention);
        }
        if (attentions.Length > 0)
            model.Graph.Sort();
        return new(attentions.Length);
    }
}
