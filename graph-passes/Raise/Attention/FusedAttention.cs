using System.Diagnostics.CodeAnalysis;
using OnnxEff.Ir;

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
    public static bool TryMatch(Node node, long opset, [NotNullWhen(true)] out AttentionSite? site, out string because)
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
        if (node.Input(3) is { } mask)
        {
            var total = node.Input(4)?.Type!.Shape![2] is { } past ? past + key.Tokens! : key.Tokens!;
            site = site with { Masks = [new(AddedMask.Of(mask, query.Value.Type!.Element, total, opset, build), MaskForm.Additive)] };
        }
        // Beside an outside cache, K and V are whole buffers of which each row has a number of keys; the queries are its last.
        site = node.Input(6) is { } lengths
            ? OperatorCache.WithPlaces(site with { KeysAreGiven = true, RowLengths = build.LastOfRows(lengths, query.Value) }, rule)
            : new OperatorCache(node.Input(4), node.Input(5), node.Outputs[1], node.Outputs[2]).Put(site, rule, opset, build);
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
}
