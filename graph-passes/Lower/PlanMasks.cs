using OnnxEff.Ir;
using OnnxEff.Ops;
using OnnxEff.Ops.Llm;
using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses.Lower;

/// <summary>
/// bias that only hides ⇒ BlockMaskPlan. Masks that no rule of the attention says are cut into tiles once in a run, for all layers that
/// share them: tiles in which nothing is seen are skipped, and no layer reads numbers of the size of S × T.
/// With packed documents every attention gets a plan: a query sees keys of its own document only.
/// </summary>
/// <param name="packedDocuments">True if a row may hold several documents, each of which begins with position 0.</param>
public sealed class PlanMasks(bool packedDocuments) : GraphPass
{
    const int RowsPerTile = 192; // Of the attention kernel: queries times the heads that share a key head.

    readonly record struct Mask(Value? Bias, long BlockQ, PlaceMask Places);

    /// <inheritdoc/>
    public override string Name => "plan-masks";

    /// <inheritdoc/>
    public override string Summary => "bias that only hides, documents in a row ⇒ BlockMaskPlan, once for all layers";

    /// <inheritdoc/>
    public override PassResult Run(PassContext context)
    {
        _ = context.Shapes;
        var signature = DecoderSignature.Recognise(context.Model.Graph, out _);
        var plans = new Dictionary<Mask, Value[]>();
        var applied = 0;
        foreach (var attention in context.Model.Graph.Nodes.Where(LlmAttention.Fits).Select(node => new LlmAttention(node)).ToArray())
        {
            var hides = attention[AttentionInput.Bias] is not null && attention.BiasHides;
            if (!(hides || packedDocuments) || AttentionToOnnxEff.Refusal(attention) is not null)
                continue;
            if (Refusal(attention, hides, signature) is { } sentence)
            {
                context.Refuse(this, attention.Node, sentence);
                continue;
            }
            var places = new PlaceMask(attention.Causal, attention.Window, attention.WindowRight, attention.ChunkFromFirstKey ? 0 : attention.Chunk);
            var mask = new Mask(hides ? attention[AttentionInput.Bias] : null, BlockOf(attention), places);
            var build = new GraphBuilder(attention.Node.Graph, attention.Node.Name);
            var total = build.Keys(attention, attention[AttentionInput.KeyMask] ?? attention[AttentionInput.Bias]);
            if (!plans.TryGetValue(mask, out var plan))
                plans.Add(mask, plan = Plan(mask, attention, total, packedDocuments ? Documents(signature!, total, build) : null, build));
            for (var i = 0; i < plan.Length; i++)
                attention.Node.SetInput((int)AttentionInput.PlanSplits + i, plan[i]);
            if (hides)
                attention.Node.SetInput((int)AttentionInput.Bias, null);
            // Without a bias nothing else may show how many keys there are.
            if (attention[AttentionInput.KeyMask] is null && attention[AttentionInput.TotalSequenceLength] is null)
                attention.Node.SetInput((int)AttentionInput.TotalSequenceLength, build.CountScalar(total));
            applied++;
        }
        return new(applied);
    }

    static string? Refusal(LlmAttention attention, bool hides, DecoderSignature? signature)
    {
        var bias = hides ? attention[AttentionInput.Bias]!.Type?.Shape : null;
        return attention[AttentionInput.SeqlensK] is not null ? "a plan is for rows of one length, and here each row has its own"
            : hides && bias is not { Rank: 4 } ? "the shape of the mask is not known"
            : hides && bias![1] != Dim.One && bias[1] != attention.KvHeads ? $"a plan masks the heads that share keys alike, and here {bias[1]} query heads have masks of their own"
            : !hides && signature?.PositionIds is null ? "documents in a row are told apart by position_ids, which this model does not take"
            : null;
    }

    // A tile of the kernel is one block, or several make up one.
    static long BlockOf(LlmAttention attention) => Math.Clamp(RowsPerTile * attention.KvHeads / attention.Heads / 16 * 16, 16, 64);

    static Value[] Plan(Mask mask, LlmAttention attention, Value total, Value? documents, GraphBuilder build)
    {
        var query = attention[AttentionInput.Query]!;
        var extent = build.Op("Concat", [build.Extent(query, 0), build.Extent(query, 1), total], new TensorType(ElementType.Int64, TensorShape.Of(3)), ("axis", 0L));
        var node = build.Node(nameof(BlockMaskPlan), OnnxEffOperators.Domain, [extent, mask.Bias, null, documents],
        [
            ("block_q", mask.BlockQ), ("causal", mask.Places.Causal ? 1L : 0L), ("window", mask.Places.Window),
            ("window_right", mask.Places.WindowRight), ("chunk", mask.Places.Chunk),
        ]);
        return [build.Output(node, "splits", new(ElementType.Int32)), build.Output(node, "tiles", new(ElementType.Int32)), build.Output(node, "bits", new(ElementType.Int64))];
    }

    /// <summary>
    /// The document of each key, int64 [B, T]: one more at each position 0. Keys of the cache, and what goes on without a position 0,
    /// are document 0.
    /// </summary>
    static Value Documents(DecoderSignature signature, Value total, GraphBuilder build)
    {
        var positions = build.Cast(signature.PositionIds!, ElementType.Int64);
        var starts = build.Cast(build.Op("Equal", [positions, build.Constant(Tensor.Scalar(0L))], new(ElementType.Bool)), ElementType.Int64);
        var numbers = build.Op("CumSum", [starts, build.Constant(Tensor.Scalar(1L))], positions.Type);
        var cached = build.Op("Sub", [total, build.Extent(positions, 1)], new(ElementType.Int64));
        var dims = build.Op("Concat", [build.Extent(positions, 0), cached], new(ElementType.Int64), ("axis", 0L));
        var before = build.Op("Expand", [build.Constant(Tensor.Create([1, 1], [0L])), dims], new(ElementType.Int64));
        return build.Op("Concat", [before, numbers], new(ElementType.Int64), ("axis", 1L));
    }
}
