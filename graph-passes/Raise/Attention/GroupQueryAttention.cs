using OnnxEff.Ir;
using OnnxEff.Ops.Llm;

namespace OnnxEff.GraphPasses.Raise.Attention;

/// <summary>com.microsoft.GroupQueryAttention, which says nearly all that <c>llm.Attention</c> says, input by input.</summary>
static class GroupQueryAttention
{
    /// <summary>Slots of GroupQueryAttention and what they become; input 9 and on follow the same order.</summary>
    static readonly (int Slot, AttentionInput Input)[] Slots =
    [
        (0, AttentionInput.Query), (1, AttentionInput.Key), (2, AttentionInput.Value), (3, AttentionInput.PastKey),
        (4, AttentionInput.PastValue), (5, AttentionInput.SeqlensK), (6, AttentionInput.TotalSequenceLength), (7, AttentionInput.Cos),
        (8, AttentionInput.Sin), (9, AttentionInput.PositionIds), (10, AttentionInput.Bias), (11, AttentionInput.Sinks),
    ];

    /// <summary>True for nodes this recogniser is for.</summary>
    public static bool Fits(Node node) => node.Is("GroupQueryAttention", "com.microsoft");

    /// <summary>Why the node cannot be raised, or null.</summary>
    public static string? Refusal(Node node) =>
        node.Input(12) is not null || node.Input(13) is not null ? "its cache is quantised"
        : node.Input(14) is not null || node.Input(15) is not null ? "it normalises queries and keys inside"
        : node.Int("sliding_window_cache") != 0 ? "its cache holds a window of tokens only"
        : node.Output(3) is not null ? "its logits are read"
        : HeadSize(node) is null ? "the size of its heads is not known"
        : null;

    /// <summary>Replaces the node by <c>llm.Attention</c>; outputs keep their names.</summary>
    public static Node Raise(Node node)
    {
        var inputs = new Value?[Enum.GetValues<AttentionInput>().Length];
        foreach (var (slot, input) in Slots)
            inputs[(int)input] = node.Input(slot);
        var rotates = node.Int("do_rotary") != 0;
        if (!rotates)
            inputs[(int)AttentionInput.Cos] = inputs[(int)AttentionInput.Sin] = inputs[(int)AttentionInput.PositionIds] = null;
        var build = new GraphBuilder(node.Graph, node.Name);
        // A smooth softmax adds exp(0) to the denominator: a sink of 0 for each head.
        if (node.Int("smooth_softmax") == 1 && inputs[(int)AttentionInput.Sinks] is null)
            inputs[(int)AttentionInput.Sinks] = build.Constant(Tensor.Create<float>([node.Int("num_heads")], new float[node.Int("num_heads")]));
        var size = HeadSize(node)!.Value;
        var window = node.Int("local_window_size", -1);
        var raised = build.Node(LlmAttention.OpType, LlmAttention.Domain, inputs,
        [
            ("num_heads", node.Int("num_heads")), ("kv_num_heads", node.Int("kv_num_heads")), ("head_size", size),
            ("scale", node.Float("scale") is not 0 and var scale ? scale : (float)(1 / Math.Sqrt(size))), ("softcap", node.Float("softcap")),
            ("causal", node.Int("causal", 1)), ("window", window), ("rotary_interleaved", node.Int("rotary_interleaved")),
            ("mask_fact", $"{(node.Int("causal", 1) != 0 ? "causal" : "none")}{(window > 0 ? $", window {window}" : "")}, row lengths: by the operator's definition"),
            ("rotary_fact", rotates ? "table inside the operator" : ""),
        ]);
        raised.Name = node.Name;
        node.HandOutputsTo(raised);
        return raised;
    }

    static long? HeadSize(Node node)
    {
        if (node.Input(3)?.Type?.Shape is { Rank: 4 } past && past[3].Constant is { } cached)
            return cached;
        var (heads, kvHeads) = (node.Int("num_heads"), node.Int("kv_num_heads"));
        if (node.Input(0)?.Type?.Shape is not { Rank: 3 } query || query[2].Constant is not { } width || heads <= 0)
            return null;
        return width / (node.Input(1) is null ? heads + (2 * kvHeads) : heads);
    }
}
