using OnnxEff.Benchmarks.Attention;
using OnnxEff.Benchmarks.Running;
using OnnxEff.Ir;
using OnnxEff.Ops;
using OnnxEff.Runtime;

namespace OnnxEff.Benchmarks.Masks;

/// <summary>A mask, measured.</summary>
/// <param name="Mask">Its name.</param>
/// <param name="Threads">Threads of each session.</param>
/// <param name="LiveShare">Tiles of queries and keys that are looked at, of all.</param>
/// <param name="Plan">Seconds to plan it, once for all layers.</param>
/// <param name="Ours">Seconds of the attention.</param>
/// <param name="Dense">Seconds of the same without a mask.</param>
/// <param name="Biased">Seconds of each way of ONNX Runtime with the mask as a dense bias.</param>
sealed record MaskMeasurement(string Mask, int Threads, double LiveShare, double Plan, double Ours, double Dense, IReadOnlyList<(string Way, double Seconds)> Biased)
{
    /// <summary>Our time, of that which live tiles would take if they cost as much as without a mask.</summary>
    public double OfLiveTiles => Ours / (LiveShare * Dense);
}

/// <summary>Masks as tiles beside ONNX Runtime's operators with a dense bias, taking turns in one process.</summary>
sealed class MaskBenchmark(string library, int tokens, Effort effort, Action<string> progress)
{
    // One key head: ONNX Runtime holds every score, 1 GiB for each head of 16384 tokens.
    readonly AttentionCase shape = new("masks", tokens, tokens, 128, CacheUse.Fresh) { QueryHeads = 4, KvHeads = 1 };

    public MaskMeasurement Measure(MaskCase mask, int threads)
    {
        progress($"{mask.Name}, {tokens} tokens, threads: {threads}");
        var options = new OrtSessionOptions { IntraOpThreads = threads, Spinning = false, CustomOpLibraries = [library] };
        using var data = new AttentionData(shape);
        OrtTensor[] plan = [];
        using OrtSession planner = Planner(mask, options, out OrtFeed[] feeds);
        double planned = Turns.Medians(effort, () => plan = planner.Run(feeds))[0];
        OrtTensor ours = data.NewOutput();
        using BoundSession attention = Attention(data, ours, plan).Open(options), dense = Attention(data, data.NewOutput(), null).Open(options);
        double[] seconds = Turns.Medians(effort, attention.Run, dense.Run);

        OrtTensor bias = Bias(plan);
        var biased = new List<(string, double)>();
        foreach ((string way, Func<AttentionData, OrtTensor, OrtTensor, BoundGraph> build) in BiasedWays)
        {
            OrtTensor theirs = data.NewOutput();
            using BoundSession session = build(data, theirs, bias).Open(options);
            biased.Add((way, Turns.Medians(effort, session.Run)[0]));
            AttentionBenchmark.RequireEqual($"{way}, {mask.Name}", ours, theirs);
        }
        return new(mask.Name, threads, LiveShare(plan), planned, seconds[0], seconds[1], biased);
    }

    static IReadOnlyList<(string, Func<AttentionData, OrtTensor, OrtTensor, BoundGraph>)> BiasedWays { get; } =
    [
        ("GQA, dense bias", (data, output, bias) =>
        {
            var graph = new BoundGraph();
            Node node = graph.Node("GroupQueryAttention", "com.microsoft",
                [.. AttentionWay.Tokens(graph, data), null, null, graph.Input("last", data.LastKey), graph.Input("total", data.Total), null, null, null, graph.Input("bias", bias)],
                ("num_heads", data.Case.QueryHeads), ("kv_num_heads", data.Case.KvHeads), ("causal", 0));
            graph.Output(node, "output", output);
            graph.Output(node, "present_key", data.NewPresent(data.Case.KvHeads));
            graph.Output(node, "present_value", data.NewPresent(data.Case.KvHeads));
            return graph;
        }),
        ("MHA, dense bias", (data, output, bias) =>
        {
            var graph = new BoundGraph();
            Node node = graph.Node("MultiHeadAttention", "com.microsoft",
                [graph.Input("query", data.Query), graph.Input("key", data.Repeated(data.Key)), graph.Input("value", data.Repeated(data.Value)), null, null, graph.Input("bias", bias)],
                ("num_heads", data.Case.QueryHeads));
            graph.Output(node, "output", output);
            return graph;
        }),
    ];

    OrtSession Planner(MaskCase mask, OrtSessionOptions options, out OrtFeed[] feeds)
    {
        var graph = new Graph("plan");
        (string Name, OrtTensor Tensor)[] given = [("extent", OrtTensor.From<long>([1, tokens, tokens], 3)), .. mask.Inputs(tokens)];
        Value?[] inputs = [.. BlockMaskPlan.Schema.Inputs.Select(input => Array.Find(given, g => g.Name == input.Name) is { Tensor: { } tensor }
            ? graph.AddInput(input.Name, new TensorType(tensor.Element, TensorShape.Of([.. tensor.Dims]))) : null)];
        Node node = graph.AddNode(BlockMaskPlan.Schema.Name, OnnxEffOperators.Domain, inputs);
        foreach ((string name, long value) in ((string, long)[])[("block_q", mask.Places.BlockQ), ("causal", mask.Places.Causal ? 1 : 0), ("window", mask.Places.Window)])
            node.SetAttribute(name, value);
        foreach (ParameterSchema output in BlockMaskPlan.Schema.Outputs)
            graph.Outputs.Add(node.AddOutput(output.Name, new TensorType(output.Type == "I" ? ElementType.Int32 : ElementType.Int64)));
        var model = new Model(graph) { IrVersion = 10 };
        (model.Opsets[""], model.Opsets[OnnxEffOperators.Domain]) = (24, OnnxEffOperators.Version);
        feeds = [.. given.Select(g => new OrtFeed(g.Name, g.Tensor))];
        return OrtSession.FromBytes(Ir.Onnx.OnnxWriter.ToBytes(model), options);
    }

    static BoundGraph Attention(AttentionData data, OrtTensor output, OrtTensor[]? plan)
    {
        var graph = new BoundGraph();
        Node node = graph.Node(BlockMaskedAttention.Schema.Name, OnnxEffOperators.Domain,
            [.. AttentionWay.Tokens(graph, data), .. new Value?[11], .. plan is null ? [] : (Value[])[graph.Input("splits", plan[0]), graph.Input("tiles", plan[1]), graph.Input("bits", plan[2])]],
            ("num_heads", data.Case.QueryHeads), ("kv_num_heads", data.Case.KvHeads), ("causal", 0));
        graph.Output(node, "output", output);
        return graph;
    }

    double LiveShare(OrtTensor[] plan) => (double)plan[1].Dims[0] * plan[2].Dims[1] * BlockMaskPlan.BlockK / ((double)tokens * tokens);

    // 0 where a tile shows a key, -∞ elsewhere: [1, 1, S, T].
    OrtTensor Bias(OrtTensor[] plan)
    {
        OrtTensor bias = OrtTensor.Zeros(ElementType.Float32, 1, 1, tokens, tokens);
        bias.As<float>().Fill(float.NegativeInfinity);
        ReadOnlySpan<int> splits = plan[0].As<int>(), tiles = plan[1].As<int>();
        ReadOnlySpan<long> bits = plan[2].As<long>();
        int blockQ = (int)plan[2].Dims[1];
        for (int block = 0; block + 1 < splits.Length; block++)
            for (int tile = splits[block]; tile < splits[block + 1]; tile++)
                for (int s = block * blockQ; s < Math.Min(tokens, (block + 1) * blockQ); s++)
                {
                    long word = tiles[2 * tile + 1] < 0 ? -1 : bits[tiles[2 * tile + 1] * blockQ + s % blockQ];
                    int first = tiles[2 * tile] * BlockMaskPlan.BlockK;
                    Span<float> row = bias.As<float>().Slice(checked(s * tokens + first), Math.Min(BlockMaskPlan.BlockK, tokens - first));
                    for (int k = 0; k < row.Length; k++)
                        if ((word >> k & 1) != 0) row[k] = 0;
                }
        return bias;
    }
}
