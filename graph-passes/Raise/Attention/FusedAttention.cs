using System.Diagnostics.CodeAnalysis;
using OnnxEff.Ir;
using OnnxEff.Ops.Llm;
using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses.Raise.Attention;

/// <summary>
/// The standard operator Attention (opset 23 to 25): heads in three or four dimensions, a cache of its own, masks of any rank
/// and shorter than the keys, row lengths of an outside cache, windows. Its triangle and windows count a query's place from the
/// past's length, from the row's length, or, with neither, from the first key; where that place is not the one that
/// <c>llm.Attention</c> counts from, the row lengths say so, or the rule becomes a mask.
/// </summary>
static class FusedAttention
{
    /// <summary>True for nodes this recogniser is for.</summary>
    public static bool Fits(Node node) => node.Is("Attention");

    /// <summary>The site around an Attention node, or the sentence why not.</summary>
    public static bool TryMatch(Node node, [NotNullWhen(true)] out AttentionSite? site, out string because)
    {
        site = null;
        because = Refusal(node) ?? "";
        if (because.Length > 0)
            return false;
        while (node.Outputs.Count < 4)
            node.AddOutput("");
        var build = new GraphBuilder(node.Graph, node.Name.Length > 0 ? node.Name : node.Result.Name);
        var (query, key, value) = (Operand(node, 0, "q_num_heads", build), Operand(node, 1, "kv_num_heads", build), Operand(node, 2, "kv_num_heads", build));
        var rule = new PlaceMask(node.Int("is_causal") != 0, node.Int("left_window_size", -1) is >= 0 and var left ? left + 1 : -1,
            node.Int("right_window_size", -1));
        site = new()
        {
            Anchor = node,
            Result = new(node.Result, HeadLayout.HeadsFirst),
            Query = query,
            Key = key,
            Value = value,
            Scale = node.Float("scale") is not 0 and var scale ? scale : 1 / Math.Sqrt(query.Size!.Value),
            Softcap = node.Float("softcap"),
            Product = node.Output(3) is { } product ? (product, node.Int("qk_matmul_output_mode")) : null,
        };
        site = node.Input(6) is { } lengths ? WithOutsideCache(site, rule, lengths, build) : WithOwnCache(site, rule, build);
        if (node.Input(3) is { } mask)
        {
            var added = Additive(mask, query.Value.Type!.Element, TotalOf(site), build);
            site = site with { Masks = [.. site.Masks, new(added, MaskForm.Additive)] };
        }
        return true;
    }

    static string? Refusal(Node node)
    {
        var (q, k, v) = (node.Input(0)?.Type?.Shape, node.Input(1)?.Type?.Shape, node.Input(2)?.Type?.Shape);
        if (q?.Rank is not (3 or 4) || k?.Rank != q.Rank || v?.Rank != q.Rank)
            return "its operands are neither flat nor four-dimensional heads";
        if (q.Rank == 3 && !(node.Int("q_num_heads") > 0 && node.Int("kv_num_heads") > 0))
            return "its number of heads is not known";
        if (q[-1].Constant is null || k[-1].Constant is null || v[-1].Constant is null || (q.Rank == 4 && (q[1].Constant is null || k[1].Constant is null)))
            return "the sizes of its heads are not known";
        if ((node.Input(4) is null) != (node.Input(5) is null) || (node.Input(4) is not null && node.Input(6) is not null))
            return "its past is neither inside nor outside";
        if (node.Input(4)?.Type?.Shape is { Rank: not 4 } || (node.Input(4) is { } past && past.Type?.Shape is null))
            return "the shape of its past is not known";
        return node.Input(3) is { } mask && (mask.Type?.Shape?.Rank is not (>= 1 and <= 4) || !(mask.Type.Element.IsFloat() || mask.Type.Element == ElementType.Bool))
            ? "its mask is neither numbers to add nor truth values of a known rank" : null;
    }

    static Heads Operand(Node node, int slot, string heads, GraphBuilder build) => node.Input(slot) is var value && value!.Type!.Shape!.Rank == 4
        ? new(value, HeadLayout.HeadsFirst)
        : new(new Heads(value, HeadLayout.TokensFirst).Split(node.Int(heads), build).ToHeadsFirst(build), HeadLayout.HeadsFirst);

    static Dim TotalOf(AttentionSite site) => site.PastKey is { } cache ? cache.Past.Type!.Shape![2] + site.Key.Tokens! : site.Key.Tokens!;

    /// <summary>K and V are whole buffers of which each row has a number of keys; queries are the last of them.</summary>
    static AttentionSite WithOutsideCache(AttentionSite site, PlaceMask rule, Value lengths, GraphBuilder build) => site with
    {
        KeysAreGiven = true,
        RowLengths = build.LastOfRows(lengths, site.Query.Value),
        IsCausal = rule.Causal,
        Window = rule.Window < 0 ? null : rule.Window,
        WindowRight = rule.WindowRight < 0 ? null : rule.WindowRight,
    };

    /// <summary>New keys behind a past, or all keys where there is none.</summary>
    static AttentionSite WithOwnCache(AttentionSite site, PlaceMask rule, GraphBuilder build)
    {
        var node = site.Anchor;
        var (pastKey, pastValue) = (node.Input(4), node.Input(5));
        if (site.Key.Tokens == site.Query.Tokens && pastKey is not null)
            return WithPlaces(site with { PastKey = Pair(node, 1, site.Key), PastValue = Pair(node, 2, site.Value) }, rule);
        var square = site.Key.Tokens == site.Query.Tokens;
        var newKeys = site.Key;
        site = site with { Key = Joined(pastKey, site.Key, build), Value = Joined(pastValue, site.Value, build) };
        foreach (var (slot, all) in ((int, Heads)[])[(1, site.Key), (2, site.Value)])
        {
            if (node.Output(slot) is { } present)
                Replacement.Put(present, all.Value);
        }
        if (square)
            return WithPlaces(site, rule);
        if (rule.IsEmpty)
            return site;
        site = site with { KeysAreGiven = true };
        var first = pastKey is null ? build.Constant(Tensor.Vector(0L)) : build.Extent(pastKey, 2);
        // Causal queries see none of the keys behind the last query's own: with that many keys in each row, places are the same.
        if (rule.Causal && Dim.IsAtLeast(newKeys.Tokens!, site.Query.Tokens!))
        {
            var count = build.Op("Add", [first, build.Extent(site.Query.Value, 2)], first.Type);
            return WithPlaces(site with { RowLengths = build.LastOfRows(count, site.Query.Value) }, rule);
        }
        var visible = rule.Spell(build, first, build.Extent(site.Query.Value, 2), build.Extent(site.Key.Value, 2))!;
        visible.Type = new TensorType(ElementType.Bool, new TensorShape(site.Query.Tokens!, site.Key.Tokens!));
        return site with { Masks = [new(Additive(visible, site.Query.Value.Type!.Element, site.Key.Tokens!, build), MaskForm.Additive)] };
    }

    static AttentionSite WithPlaces(AttentionSite site, PlaceMask rule) => site with
    {
        IsCausal = rule.Causal,
        Window = rule.Window < 0 ? null : rule.Window,
        WindowRight = rule.WindowRight < 0 ? null : rule.WindowRight,
    };

    static CachePair Pair(Node node, int output, Heads added) => new(node.Input(output + 3)!, node.Outputs[output], 0, 2,
        [0, added.Count!.Value, 0, added.Size!.Value]);

    static Heads Joined(Value? past, Heads added, GraphBuilder build)
    {
        if (past is null)
            return added;
        var shape = added.Value.Type!.Shape!;
        return new(build.Op("Concat", [past, added.Value], added.Value.Type with
        {
            Shape = new TensorShape(shape[0], shape[1], past.Type!.Shape![2] + shape[2], shape[3]),
        }, ("axis", 2L)), HeadLayout.HeadsFirst);
    }

    /// <summary>
    /// A mask as numbers to add to [B, H, S, T]: −∞ where false, and for keys behind the mask's end. ONNX Runtime computes no
    /// bfloat16 on CPU, so what has to be computed is so in float32.
    /// </summary>
    static Value Additive(Value mask, ElementType element, Dim total, GraphBuilder build)
    {
        var shape = mask.Type!.Shape!;
        if (4 - shape.Rank is > 0 and var missing)
        {
            shape = new TensorShape([.. Enumerable.Repeat(Dim.One, missing), .. shape]);
            mask = build.Op("Unsqueeze", [mask, build.Constant(Tensor.Vector<long>([.. Enumerable.Range(0, missing)]))], new TensorType(mask.Type.Element, shape));
        }
        var computed = element == ElementType.BFloat16 ? ElementType.Float32 : element;
        var hidden = build.Constant(Constants.Scalar(double.NegativeInfinity, computed));
        if (mask.Type!.Element == ElementType.Bool)
            mask = build.Op("Where", [mask, build.Constant(Constants.Scalar(0, computed)), hidden], new TensorType(computed, shape));
        if (total.Constant - shape[3].Constant is > 0 and var behind)
        {
            shape = new TensorShape(shape[0], shape[1], shape[2], total);
            mask = build.Op("Pad", [Cast(mask, computed, build), build.Constant(Tensor.Vector(0, 0, 0, 0, 0, 0, 0, behind)), hidden], new TensorType(computed, shape));
        }
        return Cast(mask, element, build);
    }

    static Value Cast(Value value, ElementType element, GraphBuilder build) => value.Type!.Element == element ? value
        : build.Op("Cast", [value], value.Type with { Element = element }, ("to", (long)element));
}
