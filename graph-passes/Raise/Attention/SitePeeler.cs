using OnnxEff.GraphPasses.Raise.Positions;
using OnnxEff.Ir;
using OnnxEff.Ops.Llm;
using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses.Raise.Attention;

/// <summary>Takes in what stands between the core of an attention and the projections, from the core outwards.</summary>
sealed class SitePeeler(Model model, TokenInputs? tokens, IGraphEvaluator evaluator)
{
    readonly Rotations? _rotations = tokens is null ? null
        : new(new HiddenCones(model.Graph, new PositionalNodes(tokens)), new RotationProbe(model, evaluator));

    /// <summary>The site with repeated heads, cache and rotation taken in where they are understood.</summary>
    public AttentionSite Peel(AttentionSite site)
    {
        // A cache inside the operator holds the heads as they are.
        if (site.PastKey is null)
            site = site with { Key = RepeatedHeads.Peel(site.Key), Value = RepeatedHeads.Peel(site.Value) };
        if (site.KeysAreGiven)
            return site;
        var whole = site;
        if (site.PastKey is null && tokens is not null && KvCache.TryPeel(site.Key, tokens.Caches, out var newKeys, out var pastKey)
            && KvCache.TryPeel(site.Value, tokens.Caches, out var newValues, out var pastValue))
        {
            site = site with { Key = newKeys, PastKey = pastKey, Value = newValues, PastValue = pastValue };
        }
        return site.Key.Tokens == site.Query.Tokens ? PeelRotation(site) : whole with { KeysAreGiven = true };
    }

    /// <summary>A rotation is taken in only if queries and keys turn by the same angles.</summary>
    AttentionSite PeelRotation(AttentionSite site)
    {
        if (_rotations is null)
            return site;
        var (ofQuery, ofKey) = (_rotations.TryPeel(site.Query, out var because), _rotations.TryPeel(site.Key, out var becauseOfKey));
        if (ofQuery is null && ofKey is null)
            return site with { RotaryLeft = because.Length > 0 ? because : becauseOfKey };
        if (ofQuery is not { } query || ofKey is not { } key)
            return site with { RotaryLeft = ofQuery is null ? $"only the keys are understood: {because}" : $"only the queries are understood: {becauseOfKey}" };
        if (!query.Rotation.TurnsAs(key.Rotation))
            return site with { RotaryLeft = "queries and keys turn by different angles" };
        var build = new GraphBuilder(site.Anchor.Graph, site.Anchor.Name);
        // A rotation is linear: what was scaled before it is scaled behind it.
        var (queries, beforeQuery) = query.Before.WithoutFactor();
        var (keys, beforeKey) = key.Before.WithoutFactor();
        keys = keys.Split(site.Key.Count!.Value, build);
        var scale = site.Scale * query.Rotation.Factor * beforeQuery;
        // Cached keys hold the factor, so it stays with the new ones; without a cache the logits take it.
        var keyFactor = key.Rotation.Factor * beforeKey;
        if (keyFactor != 1 && site.PastKey is not null)
            keys = keys.Times(keyFactor, build);
        else
            scale *= keyFactor;
        return site with
        {
            Query = queries.Split(site.Query.Count!.Value, build),
            Key = keys,
            Scale = scale,
            // Of angles that stand once in one of them and twice in the other, the latter have to be compared.
            Rotation = key.Rotation.Columns > query.Rotation.Columns ? key.Rotation : query.Rotation,
            Unrotated = site,
        };
    }
}
