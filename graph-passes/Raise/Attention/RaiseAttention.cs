using OnnxEff.GraphPasses.Raise.Attention;
using OnnxEff.Ir;
using OnnxEff.Ops.Llm;
using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses.Raise;

/// <summary>
/// softmax(scale · rot(q) · rot(k)ᵀ + mask) · v over a cache, in every spelling ⇒ <c>llm.Attention</c>. Cases: softmax between two
/// products; the standard operator Attention; Attention, MultiHeadAttention, DecoderMaskedMultiHeadAttention
/// and GroupQueryAttention of com.microsoft. What is around the core is taken in if
/// it is understood and stays in the graph if not: repeated heads, the cache's concatenation, the rotation, the heads'
/// layout. Masks and rotations are recognised by evaluation; masks stay tensors if no candidate agrees.
/// </summary>
public sealed class RaiseAttention : GraphPass
{
    /// <inheritdoc/>
    public override string Name => "raise-attention";

    /// <inheritdoc/>
    public override string Summary => "softmax(s·rot(q)·rot(k)ᵀ + mask)·v ⇒ Attention(q, k, v, cache, mask rule)";

    /// <inheritdoc/>
    public override Exactness Exactness => Exactness.Reassociates;

    /// <inheritdoc/>
    public override PassResult Run(PassContext context)
    {
        _ = context.Shapes; // Writes the types that recognisers look at.
        var graph = context.Model.Graph;
        var tokens = TokenInputs.Of(graph);
        var grouped = graph.Nodes.Where(GroupQueryAttention.Fits).Where(n => Admits(n, GroupQueryAttention.Refusal(n), context)).ToArray();
        foreach (var node in grouped)
            GroupQueryAttention.Raise(node);
        var cores = FindCores(context).ToList();
        if (cores.Count == 0)
            return new(grouped.Length);
        if (context.Evaluator is not { } evaluator)
        {
            foreach (var core in cores)
                context.Refuse(this, core.Anchor, "masks and rotations are recognised by evaluation, which needs a runtime");
            return new(grouped.Length);
        }
        graph.Sort();
        var peeler = new SitePeeler(context.Model, tokens, evaluator);
        var sites = cores.Select(peeler.Peel).Where(site => Admits(site.Anchor, site.Objection, context)).ToList();
        var facts = new PositionFacts(context.Model, tokens, sites, evaluator);
        var emitter = new AttentionEmitter(tokens);
        foreach (var site in sites)
            emitter.Emit(facts.Complete(facts.DropUnreadableRotation(site)));
        graph.RemoveDead();
        return new(grouped.Length + sites.Count);
    }

    IEnumerable<AttentionSite> FindCores(PassContext context)
    {
        foreach (var node in context.Model.Graph.Nodes.ToArray())
        {
            AttentionSite? site;
            if (node.Is("Softmax"))
            {
                if (node.Result.Type?.Shape?.Rank == 2)
                    continue; // A router's choice of experts.
                if (SoftmaxAttention.TryMatch(node, out site, out var end, out var because))
                    yield return site;
                else
                    context.Refuse(this, end, because, root: node);
            }
            else if (FusedOperators.Fits(node))
            {
                if (FusedOperators.TryMatch(node, context.Model.Opset, out site, out var because))
                    yield return site;
                else
                    context.Refuse(this, node, because);
            }
        }
    }

    bool Admits(Node node, string? objection, PassContext context)
    {
        if (objection is not null)
            context.Refuse(this, node, objection);
        return objection is null;
    }
}
