using OnnxEff.Benchmarks.Running;
using OnnxEff.Ir;
using OnnxEff.Ops;
using OnnxEff.Runtime;

namespace OnnxEff.Benchmarks.Attention;

/// <summary>A way to compute a case in ONNX Runtime.</summary>
/// <param name="Name">How reports call it.</param>
/// <param name="Takes">Whether it can express the case.</param>
/// <param name="Build">The graph on a case's tensors; it writes its result to the last argument.</param>
sealed record AttentionWay(string Name, Func<AttentionCase, bool> Takes, Func<AttentionData, OrtTensor, BoundGraph> Build)
{
    const string Contrib = "com.microsoft";

    /// <summary>The operator library that it needs, or null.</summary>
    public string? Library { get; init; }

    /// <summary>The operator of this project.</summary>
    public static AttentionWay Ours { get; } = new("BlockMaskedAttention", _ => true, (data, output) =>
    {
        var graph = new BoundGraph();
        bool inPlace = data.Case.Cache == CacheUse.InPlace;
        (OrtTensor? key, OrtTensor? value) = Past(data, inPlace);
        Node node = graph.Node("BlockMaskedAttention", OnnxEffOperators.Domain,
            [.. Tokens(graph, data), Optional(graph, "past_key", key), Optional(graph, "past_value", value), null, null, inPlace ? graph.Input("total", data.Total) : null],
            ("num_heads", data.Case.QueryHeads), ("kv_num_heads", data.Case.KvHeads));
        Outputs(graph, node, data, output, inPlace, key, value);
        return graph;
    });

    /// <summary>ONNX Runtime's ways, in the order of the report's columns.</summary>
    public static IReadOnlyList<AttentionWay> OfOnnxRuntime { get; } =
    [
        new("GQA, shared buffer", c => HasKernel(c) && c.Cache != CacheUse.Concat, (data, output) => GroupQuery(data, output, shared: true)),
        new("GQA, concat", HasKernel, (data, output) => GroupQuery(data, output, shared: false)),
        new("MHA, dense bias", c => c.Element == ElementType.Float32 && ScoresFit(c), MultiHead),
        new("Attention-23, concat", ScoresFit, Standard),
        new("Attention-24, scatter", c => c.Cache == CacheUse.InPlace && c.Sequence == 1, StandardScattered),
    ];

    // Its attention on the CPU takes no bf16.
    static bool HasKernel(AttentionCase c) => c.Element != ElementType.BFloat16;

    // These hold every score at once, some twice: a prompt of 8192 tokens would take 17 GB.
    static bool ScoresFit(AttentionCase c) => HasKernel(c) && 4L * c.QueryHeads * c.Sequence * c.Total <= 2L << 30;

    static BoundGraph GroupQuery(AttentionData data, OrtTensor output, bool shared)
    {
        var graph = new BoundGraph();
        (OrtTensor? key, OrtTensor? value) = Past(data, shared);
        Node node = graph.Node("GroupQueryAttention", Contrib,
            [.. Tokens(graph, data), Optional(graph, "past_key", key), Optional(graph, "past_value", value), graph.Input("last", data.LastKey), graph.Input("total", data.Total)],
            ("num_heads", data.Case.QueryHeads), ("kv_num_heads", data.Case.KvHeads));
        Outputs(graph, node, data, output, shared, key, value);
        return graph;
    }

    // It has no heads that share keys: they are repeated beforehand, unmeasured.
    static BoundGraph MultiHead(AttentionData data, OrtTensor output)
    {
        var graph = new BoundGraph();
        bool past = data.Case.Past > 0;
        Node node = graph.Node("MultiHeadAttention", Contrib,
            [
                graph.Input("query", data.Query), graph.Input("key", data.Repeated(data.Key)), graph.Input("value", data.Repeated(data.Value)),
                null, null, graph.Input("bias", data.CausalBias),
                past ? graph.Input("past_key", data.RepeatedPast(data.PastKey)) : null,
                past ? graph.Input("past_value", data.RepeatedPast(data.PastValue)) : null,
            ],
            ("num_heads", data.Case.QueryHeads));
        graph.Output(node, "output", output);
        graph.Output(node, "present_key", data.NewPresent(data.Case.QueryHeads));
        graph.Output(node, "present_value", data.NewPresent(data.Case.QueryHeads));
        return graph;
    }

    static BoundGraph Standard(AttentionData data, OrtTensor output)
    {
        var graph = new BoundGraph();
        (OrtTensor? key, OrtTensor? value) = Past(data, shared: false);
        Node node = graph.Node("Attention", "", [.. Tokens(graph, data), null, Optional(graph, "past_key", key), Optional(graph, "past_value", value)],
            ("q_num_heads", data.Case.QueryHeads), ("kv_num_heads", data.Case.KvHeads), ("is_causal", 1));
        Outputs(graph, node, data, output, shared: false, key, value);
        return graph;
    }

    // The cache outside of the operator, as opset 24 has it. A single token's heads are the same bytes in both layouts.
    static BoundGraph StandardScattered(AttentionData data, OrtTensor output)
    {
        var graph = new BoundGraph();
        AttentionCase c = data.Case;
        Value at = graph.Input("at", OrtTensor.From<long>([c.Past], 1)), filled = graph.Input("filled", OrtTensor.From<long>([c.Total], 1));
        Value key = Scatter("key", data.Key, data.KeyBuffer), value = Scatter("value", data.Value, data.ValueBuffer);
        Node node = graph.Node("Attention", "",
            [graph.Input("query", data.Query.View(1, c.QueryHeads, 1, c.HeadSize)), key, value, null, null, null, filled], ("is_causal", 1));
        graph.Output(node, "output", output.View(1, c.QueryHeads, 1, c.HeadSize));
        return graph;

        Value Scatter(string name, OrtTensor token, OrtTensor buffer)
        {
            Node node = graph.Node("TensorScatter", "", [graph.Input($"past_{name}", buffer), graph.Input(name, token.View(1, c.KvHeads, 1, c.HeadSize)), at]);
            return graph.Output(node, $"present_{name}", buffer);
        }
    }

    static (OrtTensor? Key, OrtTensor? Value) Past(AttentionData data, bool shared) =>
        shared ? (data.KeyBuffer, data.ValueBuffer)
        : data.Case.Past > 0 ? (data.PastKey, data.PastValue)
        : (null, null);

    /// <summary>query, key and value as inputs.</summary>
    public static Value[] Tokens(BoundGraph graph, AttentionData data) =>
        [graph.Input("query", data.Query), graph.Input("key", data.Key), graph.Input("value", data.Value)];

    static Value? Optional(BoundGraph graph, string name, OrtTensor? tensor) => tensor is null ? null : graph.Input(name, tensor);

    static void Outputs(BoundGraph graph, Node node, AttentionData data, OrtTensor output, bool shared, OrtTensor? key, OrtTensor? value)
    {
        graph.Output(node, "output", output);
        graph.Output(node, "present_key", shared ? key! : data.NewPresent(data.Case.KvHeads));
        graph.Output(node, "present_value", shared ? value! : data.NewPresent(data.Case.KvHeads));
    }
}
