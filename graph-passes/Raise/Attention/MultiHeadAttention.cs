using System.Diagnostics.CodeAnalysis;
using OnnxEff.Ir;

namespace OnnxEff.GraphPasses.Raise.Attention;

/// <summary>
/// com.microsoft.MultiHeadAttention and DecoderMaskedMultiHeadAttention: flat or packed heads with one bias for all of them, keys of
/// other tokens, a cache of its own. Shared buffers and beams stay: what the cache holds is then decided outside of the graph.
/// </summary>
static class MultiHeadAttention
{
    /// <summary>Where the two operators have their inputs.</summary>
    readonly record struct Slots(int Bias, int KeyMask, int Added, int PastKey, int[] Unsupported);

    static readonly Slots s_plain = new(3, 4, 5, 6, [8, 9]), s_decoder = new(10, 3, 4, 5, [7, 8, 9]);

    /// <summary>True for nodes this recogniser is for.</summary>
    public static bool Fits(Node node) => node.Is("MultiHeadAttention", "com.microsoft") || node.Is("DecoderMaskedMultiHeadAttention", "com.microsoft");

    /// <summary>The site around a node, or the sentence why not.</summary>
    public static bool TryMatch(Node node, long opset, [NotNullWhen(true)] out AttentionSite? site, out string because)
    {
        site = null;
        var slots = node.OpType == "MultiHeadAttention" ? s_plain : s_decoder;
        because = Refusal(node, slots) ?? "";
        if (because.Length > 0)
            return false;
        while (node.Outputs.Count < 3)
            node.AddOutput("");
        var build = new GraphBuilder(node.Graph, node.Name.Length > 0 ? node.Name : node.Result.Name);
        var heads = node.Int("num_heads");
        var query = Operand(node, 0, heads, build);
        var (key, value) = (Operand(node, 1, heads, build), Operand(node, 2, heads, build));
        if (node.Input(slots.Bias) is { } bias)
        {
            var (q, k) = (heads * query.Size!.Value, heads * key.Size!.Value);
            query = Biased(query, bias, 0, q, build);
            // Keys that come as heads have their bias.
            if (node.Input(1)?.Type!.Shape!.Rank != 4)
                (key, value) = (Biased(key, bias, q, q + k, build), Biased(value, bias, q + k, q + k + (heads * value.Size!.Value), build));
        }
        var (pastKey, pastValue) = (node.Input(slots.PastKey), node.Input(slots.PastKey + 1));
        site = new()
        {
            Anchor = node,
            Result = new(node.Result, HeadLayout.TokensFirst),
            Query = query,
            Key = key,
            Value = value,
            Scale = node.Float("scale") is not 0 and var scale ? scale : 1 / Math.Sqrt(query.Size!.Value),
            Masks = node.Input(slots.Added) is { } added ? [new(added, MaskForm.Additive)] : [],
        };
        site = new OperatorCache(pastKey, pastValue, node.Outputs[1], node.Outputs[2])
            .Put(site, new PlaceMask(node.Int("unidirectional") != 0), opset, build);
        var total = pastKey is null ? key.Tokens! : pastKey.Type!.Shape![2] + key.Tokens!;
        var count = build.Extent(key.Value, key.Layout == HeadLayout.HeadsFirst ? 2 : 1);
        if (pastKey is not null)
            count = build.Op("Add", [count, build.Extent(pastKey, 2)], count.Type);
        site = KeyPadding.Put(site, node.Input(slots.KeyMask), total, count, opset, build);
        return true;
    }

    static string? Refusal(Node node, Slots slots)
    {
        var (query, key, value, heads) = (node.Input(0)?.Type?.Shape, node.Input(1)?.Type?.Shape, node.Input(2)?.Type?.Shape, node.Int("num_heads"));
        if (Array.Exists(slots.Unsupported, s => node.Input(s) is not null) || node.Int("past_present_share_buffer") != 0)
            return "its cache is a buffer whose content is decided outside of the graph";
        if (node.Output(3) is not null || node.Int("output_qk") != 0)
            return "its logits are read";
        bool Known(TensorShape? shape) => shape switch
        {
            { Rank: 3 } => shape[2].Constant % heads == 0,
            { Rank: 4 } => shape[1].Constant == heads && shape[3].IsConstant,
            { Rank: 5 } => shape[2].Constant == heads && shape[4].IsConstant,
            _ => false,
        };
        var isPacked = query?.Rank == 5 || key?.Rank == 5;
        if (heads <= 0 || query?.Rank is not (3 or 5) || !Known(query) || (query.Rank == 3 && (!Known(key) || (key!.Rank != 5 && !Known(value)))))
            return "the sizes of its heads are not known";
        if (isPacked && node.Input(slots.Bias) is { Type.Shape: null })
            return "the shape of its bias is not known";
        if ((node.Input(slots.PastKey) is null) != (node.Input(slots.PastKey + 1) is null) || (node.Input(slots.PastKey) is { } past && past.Type?.Shape?.Rank != 4))
            return "the shape of its past is not known";
        if (node.Input(slots.Added) is { } added && added.Type?.Shape?.Rank != 4)
            return "the shape of what is added to its logits is not known";
        return KeyPadding.Refusal(node.Input(slots.KeyMask), query[0]);
    }

    /// <summary>Heads of an operand, which may be one of those packed into the first ([B, S, H, 3, D]) or into the keys ([B, T, H, 2, D]).</summary>
    static Heads Operand(Node node, int slot, long heads, GraphBuilder build)
    {
        var (query, key) = (node.Input(0)!, node.Input(1));
        if (query.Type!.Shape!.Rank == 5)
            return Unpacked(query, slot, build);
        if (slot > 0 && key!.Type!.Shape!.Rank == 5)
            return Unpacked(key, slot - 1, build);
        var value = node.Input(slot)!;
        return value.Type!.Shape!.Rank == 4 ? new(value, HeadLayout.HeadsFirst) : new Heads(value, HeadLayout.TokensFirst).Split(heads, build);
    }

    static Heads Unpacked(Value packed, long index, GraphBuilder build)
    {
        var shape = packed.Type!.Shape!;
        return new(build.Op("Gather", [packed, build.Constant(Tensor.Scalar(index))],
            packed.Type with { Shape = new TensorShape(shape[0], shape[1], shape[2], shape[4]) }, ("axis", 3L)), HeadLayout.TokensFirst);
    }

    /// <summary>Heads with their part of the bias.</summary>
    static Heads Biased(Heads heads, Value bias, long from, long to, GraphBuilder build)
    {
        var flat = heads.ToFlat(build);
        var part = build.Op("Slice", [bias, build.Constant(Tensor.Vector(from)), build.Constant(Tensor.Vector(to)), build.Constant(Tensor.Vector(0L))],
            new TensorType(flat.Type!.Element, TensorShape.Of(to - from)));
        return new Heads(build.Op("Add", [flat, part], flat.Type), HeadLayout.TokensFirst).Split(heads.Count!.Value, build);
    }
}
