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

    /// <summary>What output 3 holds by attribute <c>qk_output</c>; its other forms are of one runtime's making.</summary>
    const long AfterSoftmax = 2;

    /// <summary>True for nodes this recogniser is for.</summary>
    public static bool Fits(Node node) => node.Is("GroupQueryAttention", "com.microsoft");

    /// <summary>Why the node cannot be raised, or null.</summary>
    public static string? Refusal(Node node) =>
        node.Input(12) is not null || node.Input(13) is not null ? "its cache is quantised"
        : node.Int("sliding_window_cache") != 0 ? "its cache holds a window of tokens only"
        : node.Output(3) is not null && node.Int("qk_output") != AfterSoftmax ? "its logits are read before the softmax"
        : node.Input(1) is null && node.Input(2) is not null ? "it has values without keys"
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
        var name = node.Name.Length > 0 ? node.Name : node.Result.Name;
        var build = new GraphBuilder(node.Graph, name);
        var (heads, kvHeads, size) = (node.Int("num_heads"), node.Int("kv_num_heads"), HeadSize(node)!.Value);
        // A smooth softmax adds exp(0) to the denominator: a sink of 0 for each head.
        if (node.Int("smooth_softmax") == 1)
            inputs[(int)AttentionInput.Sinks] ??= build.Constant(Constants.Vector(new double[heads], node.Input(0)!.Type!.Element));
        if (node.Input(14) is { } ofQueries && node.Input(15) is { } ofKeys)
        {
            var (query, key, value) = Split(node, heads * size, kvHeads * size, build);
            var epsilon = node.Float("qk_norm_epsilon", 1e-6f);
            inputs[(int)AttentionInput.Query] = Normalised(query, ofQueries, heads, size, epsilon, build);
            inputs[(int)AttentionInput.Key] = Normalised(key, ofKeys, kvHeads, size, epsilon, build);
            inputs[(int)AttentionInput.Value] = value;
        }
        var window = node.Int("local_window_size", -1);
        var raised = build.Node(LlmAttention.OpType, LlmAttention.Domain, inputs,
        [
            ("num_heads", heads), ("kv_num_heads", kvHeads), ("head_size", size),
            ("scale", node.Float("scale") is not 0 and var scale ? scale : (float)(1 / Math.Sqrt(size))), ("softcap", node.Float("softcap")),
            ("causal", node.Int("causal", 1)), ("window", window), ("rotary_interleaved", node.Int("rotary_interleaved")),
            ("mask_fact", $"{(node.Int("causal", 1) != 0 ? "causal" : "none")}{(window > 0 ? $", window {window}" : "")}, row lengths: by the operator's definition"),
            ("rotary_fact", rotates ? "table inside the operator" : ""),
        ]);
        if (node.Output(3) is not null)
            raised.SetAttribute("qk_matmul_output_mode", 3L);
        raised.Name = name;
        node.HandOutputsTo(raised);
        return raised;
    }

    /// <summary>Queries, keys and values, which may be packed in the first input.</summary>
    static (Value Query, Value Key, Value Value) Split(Node node, long queryWidth, long keyWidth, GraphBuilder build)
    {
        var first = node.Input(0)!;
        if (node.Input(1) is { } key)
            return (first, key, node.Input(2)!);
        Value Part(long from, long width) => build.Op("Slice",
            [first, build.Constant(Tensor.Vector(from)), build.Constant(Tensor.Vector(from + width)), build.Constant(Tensor.Vector(2L))],
            first.Type! with { Shape = new TensorShape(first.Type.Shape![0], first.Type.Shape[1], width) });
        return (Part(0, queryWidth), Part(queryWidth, keyWidth), Part(queryWidth + keyWidth, keyWidth));
    }

    /// <summary>Each head of [B, S, H·D] normalised by itself.</summary>
    static Value Normalised(Value flat, Value weight, long heads, long size, float epsilon, GraphBuilder build)
    {
        var shape = flat.Type!.Shape!;
        var perHead = flat.Type with { Shape = new TensorShape(shape[0], shape[1], heads, size) };
        var norm = build.Node(Vocabulary.RmsNorm, Vocabulary.Domain,
            [build.Op("Reshape", [flat, build.Constant(Tensor.Vector(0, 0, heads, size))], perHead), weight],
            [("epsilon", epsilon), ("stash_type", (long)ElementType.Float32)]);
        return build.Op("Reshape", [build.Output(norm, "normalised", perHead), build.Constant(Tensor.Vector(0, 0, heads * size))],
            flat.Type with { Shape = new TensorShape(shape[0], shape[1], heads * size) });
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
