using System.Diagnostics.CodeAnalysis;
using OnnxEff.Ir;
using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses.Raise.Attention;

/// <summary>
/// com.microsoft.Attention: the projections to queries, keys and values inside, as one weight and one bias, and a cache that holds keys and
/// values as one tensor [2, B, H, P, D].
/// </summary>
static class PackedWeightsAttention
{
    /// <summary>True for nodes this recogniser is for.</summary>
    public static bool Fits(Node node) => node.Is("Attention", "com.microsoft");

    /// <summary>The site around a node, or the sentence why not.</summary>
    public static bool TryMatch(Node node, long opset, [NotNullWhen(true)] out AttentionSite? site, out string because)
    {
        site = null;
        because = Refusal(node) ?? "";
        if (because.Length > 0)
            return false;
        var build = new GraphBuilder(node.Graph, node.Name.Length > 0 ? node.Name : node.Result.Name);
        var (input, heads) = (node.Input(0)!, node.Int("num_heads"));
        var (element, shape) = (input.Type!.Element, input.Type.Shape!);
        var widths = Widths(node)!;
        var type = new TensorType(element, new TensorShape(shape[0], shape[1], widths.Sum()));
        var projected = build.Op("MatMul", [input, node.Input(1)], type);
        if (node.Input(2) is { } bias)
            projected = build.Op("Add", [projected, bias], type);
        Heads Part(int index)
        {
            var from = widths[..index].Sum();
            var flat = build.Op("Slice", [projected, build.Constant(Tensor.Vector(from)), build.Constant(Tensor.Vector(from + widths[index])), build.Constant(Tensor.Vector(2L))],
                new TensorType(element, new TensorShape(shape[0], shape[1], widths[index])));
            return new Heads(flat, HeadLayout.TokensFirst).Split(heads, build);
        }
        site = new()
        {
            Anchor = node,
            Result = new(node.Result, HeadLayout.TokensFirst),
            Query = Part(0),
            Key = Part(1),
            Value = Part(2),
            Scale = node.Float("scale") is not 0 and var scale ? scale : 1 / Math.Sqrt(widths[0] / heads),
            Masks = node.Input(5) is { } added ? [new(added, MaskForm.Additive)] : [],
        };
        var past = node.Input(4);
        var total = past is null ? shape[1] : past.Type!.Shape![3] + shape[1];
        var count = build.Extent(input, 1);
        if (past is not null)
            count = build.Op("Add", [count, build.Extent(past, 3)], count.Type);
        site = Cached(site, node, past, opset, build).Put(site, new PlaceMask(node.Int("unidirectional") != 0), opset, build);
        site = KeyPadding.Put(site, node.Input(3), total, count, opset, build);
        return true;
    }

    static string? Refusal(Node node) =>
        node.Int("do_rotary") != 0 ? "it rotates queries and keys by tables of its own"
        : node.Input(6) is not null || node.Int("past_present_share_buffer") != 0 ? "its cache is a buffer whose content is decided outside of the graph"
        : node.Int("num_heads") <= 0 || node.Input(0)?.Type?.Shape?.Rank != 3 || Widths(node) is not { } widths
            || widths.Any(w => w % node.Int("num_heads") != 0) || widths[0] != widths[1] ? "the sizes of its heads are not known"
        : node.Input(4) is { } past && past.Type?.Shape?.Rank != 5 ? "the shape of its past is not known"
        : node.Input(5) is { } added && added.Type?.Shape?.Rank != 4 ? "the shape of what is added to its logits is not known"
        : KeyPadding.Refusal(node.Input(3), node.Input(0)!.Type!.Shape![0]);

    /// <summary>Widths of queries, keys and values.</summary>
    static long[]? Widths(Node node) => node.Ints("qkv_hidden_sizes") is { Length: 3 } given ? given
        : node.Input(1)?.Type?.Shape is { Rank: 2 } weight && weight[1].Constant is { } all && all % 3 == 0 ? [all / 3, all / 3, all / 3] : null;

    /// <summary>The cache as two tensors; the present that the graph asks for is both of them as one.</summary>
    static OperatorCache Cached(AttentionSite site, Node node, Value? past, long opset, GraphBuilder build)
    {
        Value? Half(long index) => past is null ? null : build.Op("Gather", [past, build.Constant(Tensor.Scalar(index))],
            past.Type! with { Shape = new TensorShape(past.Type.Shape!.Skip(1)) }, ("axis", 0L));
        var (pastKey, pastValue) = (Half(0), Half(1));
        var (presentKey, presentValue) = (OperatorCache.Joined(pastKey, site.Key, build).ToHeadsFirst(build), OperatorCache.Joined(pastValue, site.Value, build).ToHeadsFirst(build));
        if (node.Output(1) is { } present)
        {
            Replacement.Put(present, build.Op("Concat", [build.Unsqueeze(presentKey, opset, 0), build.Unsqueeze(presentValue, opset, 0)],
                present.Type, ("axis", 0L)));
        }
        return new(pastKey, pastValue, presentKey, presentValue);
    }
}
