using OnnxEff.GraphPasses.Raise.Attention;
using OnnxEff.Ir;
using OnnxEff.Ops.Llm;
using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses.Raise;

/// <summary>
/// softmax(scale · rot(q) · rot(k)ᵀ + mask) · v over a cache, in every spelling ⇒ <c>llm.Attention</c>. Cases: softmax between two
/// products; the standard operator Attention; com.microsoft.GroupQueryAttention. What is around the core is taken in if
/// it is understood and stays in the graph if not: repeated heads, the cache's concatenation, the rotation, the heads'
/// layout. Masks are recognised by evaluation and stay tensors if no candidate agrees.
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
        var signature = DecoderSignature.Recognise(graph, out _);
        var grouped = graph.Nodes.Where(GroupQueryAttention.Fits).Where(n => Admits(n, GroupQueryAttention.Refusal(n), context)).ToArray();
        foreach (var node in grouped)
            GroupQueryAttention.Raise(node);
        var sites = FindSites(context, signature).ToList();
        if (sites.Count == 0)
            return new(grouped.Length);
        if (context.Evaluator is not { } evaluator)
        {
            foreach (var site in sites)
                context.Refuse(this, site.Anchor, "masks and rotations are recognised by evaluation, which needs a runtime");
            return new(grouped.Length);
        }
        var facts = new PositionFacts(context.Model, signature, sites, evaluator);
        var emitter = new AttentionEmitter(context.Model, signature);
        foreach (var site in sites)
            emitter.Emit(facts.Complete(RestoreUnreadableRotation(site, facts)));
        graph.RemoveDead();
        return new(grouped.Length + sites.Count);
    }

    IEnumerable<AttentionSite> FindSites(PassContext context, DecoderSignature? signature)
    {
        foreach (var node in context.Model.Graph.Nodes)
        {
            AttentionSite? site;
            if (node.Is("Softmax"))
            {
                if (node.Result.Type?.Shape?.Rank == 2)
                    continue; // A router's choice of experts.
                if (!SoftmaxAttention.TryMatch(node, out site, out var end, out var because))
                {
                    context.Refuse(this, end, because);
                    continue;
                }
            }
            else if (!FusedAttention.Fits(node))
                continue;
            else if (!FusedAttention.TryMatch(node, out site, out var because))
            {
                context.Refuse(this, node, because);
                continue;
            }
            site = Peel(site, signature);
            if (Admits(node, Objection(site), context))
                yield return site;
        }
    }

    /// <summary>Takes in what stands between the core and the projections, from the core outwards.</summary>
    static AttentionSite Peel(AttentionSite site, DecoderSignature? signature)
    {
        site = site with { Key = RepeatedHeads.Peel(site.Key), Value = RepeatedHeads.Peel(site.Value) };
        if (signature is not null && KvCache.TryPeel(site.Key, signature, out var newKeys, out var pastKey)
            && KvCache.TryPeel(site.Value, signature, out var newValues, out var pastValue))
        {
            site = site with { Key = newKeys, PastKey = pastKey, Value = newValues, PastValue = pastValue };
        }
        // A rotation is taken in only if queries and keys turn by the same angles.
        return Rotations.TryPeel(site.Query, out var query, out var rotation) && Rotations.TryPeel(site.Key, out var key, out var ofKeys)
            && rotation == ofKeys && query.Layout == key.Layout
            ? site with { Query = query, Key = key, Rotation = rotation, Unrotated = site } : site;
    }

    static AttentionSite RestoreUnreadableRotation(AttentionSite site, PositionFacts facts) =>
        site.Rotation is { } rotation && !facts.AreDoubled(rotation) ? site.Unrotated! : site;

    static string? Objection(AttentionSite site) =>
        site.Key.Count is not > 0 || site.Value.Count != site.Key.Count || site.Query.Count % site.Key.Count != 0
            ? $"{site.Query.Count} query heads cannot share {site.Key.Count} key and {site.Value.Count} value heads"
        : site.Key.Size != site.Query.Size || site.Value.Size != site.Query.Size ? "queries, keys and values have heads of different sizes"
        : site.Key.Value.Type!.Element != site.Query.Value.Type!.Element || site.Value.Value.Type!.Element != site.Query.Value.Type.Element
            ? "queries, keys and values have different element types"
        : site.Query.Tokens is null || site.Key.Tokens is null ? "the number of tokens is not known"
        : null;

    bool Admits(Node node, string? objection, PassContext context)
    {
        if (objection is not null)
            context.Refuse(this, node, objection);
        return objection is null;
    }
}
