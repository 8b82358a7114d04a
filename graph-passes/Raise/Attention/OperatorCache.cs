using OnnxEff.Ir;
using OnnxEff.Ops.Llm;
using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses.Raise.Attention;

/// <summary>The cache that an attention operator keeps itself: presents are pasts with the new keys and values behind.</summary>
/// <param name="PastKey">[B, H, P, D], or null.</param>
/// <param name="PastValue">[B, H, P, Dv], or null.</param>
/// <param name="PresentKey">[B, H, T, D]; without a name if nobody asks for it.</param>
/// <param name="PresentValue">[B, H, T, Dv]; without a name if nobody asks for it.</param>
sealed record OperatorCache(Value? PastKey, Value? PastValue, Value PresentKey, Value PresentValue)
{
    /// <summary>
    /// The site with this cache and with what the operator says about places, counted from the past's length. New keys of as many
    /// tokens as the queries are appended; else all keys are given.
    /// </summary>
    public AttentionSite Put(AttentionSite site, PlaceMask rule, long opset, GraphBuilder build)
    {
        var isSelf = site.Key.Tokens == site.Query.Tokens;
        if (isSelf && PastKey is not null)
            return WithPlaces(site with { PastKey = Pair(PastKey, PresentKey, site.Key), PastValue = Pair(PastValue!, PresentValue, site.Value) }, rule);
        var newTokens = site.Key.Tokens!;
        site = site with { Key = Joined(PastKey, site.Key, build), Value = Joined(PastValue, site.Value, build) };
        foreach (var (present, all) in ((Value, Heads)[])[(PresentKey, site.Key), (PresentValue, site.Value)])
        {
            if (present.Name.Length > 0)
                Replacement.Put(present, all.ToHeadsFirst(build));
        }
        if (isSelf)
            return WithPlaces(site, rule);
        if (rule.IsEmpty)
            return site;
        site = site with { KeysAreGiven = true };
        var first = PastKey is null ? build.Constant(Tensor.Vector(0L)) : build.Extent(PastKey, 2);
        var queries = build.Extent(site.Query.Value, site.Query.Layout == HeadLayout.HeadsFirst ? 2 : 1);
        // Causal queries see none of the keys behind the last query's own: with that many keys in each row, places are the same.
        if (rule.Causal && Dim.IsAtLeast(newTokens, site.Query.Tokens!))
            return WithPlaces(site with { RowLengths = build.LastOfRows(build.Op("Add", [first, queries], first.Type), site.Query.Value) }, rule);
        var visible = rule.Spell(build, first, queries, build.Extent(site.Key.ToHeadsFirst(build), 2))!;
        visible.Type = new TensorType(ElementType.Bool, new TensorShape(site.Query.Tokens!, site.Key.Tokens!));
        var added = AddedMask.Of(visible, site.Query.Value.Type!.Element, site.Key.Tokens!, opset, build);
        return site with { Masks = [.. site.Masks, new(added, MaskForm.Additive)] };
    }

    /// <summary>The site with a rule about places.</summary>
    public static AttentionSite WithPlaces(AttentionSite site, PlaceMask rule) => site with
    {
        IsCausal = rule.Causal,
        Window = rule.Window < 0 ? null : rule.Window,
        WindowRight = rule.WindowRight < 0 ? null : rule.WindowRight,
    };

    static CachePair Pair(Value past, Value present, Heads added) => new(past, present, 0, 2, [0, added.Count!.Value, 0, added.Size!.Value]);

    /// <summary>The new heads behind those of a past.</summary>
    public static Heads Joined(Value? past, Heads added, GraphBuilder build)
    {
        if (past is null)
            return added;
        var value = added.ToHeadsFirst(build);
        var shape = value.Type!.Shape!;
        return new(build.Op("Concat", [past, value], value.Type with { Shape = new TensorShape(shape[0], shape[1], past.Type!.Shape![2] + shape[2], shape[3]) },
            ("axis", 2L)), HeadLayout.HeadsFirst);
    }
}
