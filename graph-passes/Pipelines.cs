using OnnxEff.GraphPasses.Lower;
using OnnxEff.GraphPasses.Normalise;
using OnnxEff.GraphPasses.Raise;
using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses;

/// <summary>The ordered lists of passes.</summary>
public static class Pipelines
{
    /// <summary>Removes what a rewrite left over: views that cancel each other and nodes that nobody reads.</summary>
    static IReadOnlyList<PipelineStep> Tidy =>
    [
        new(new ComposeViews(), "heads that were split and merged again"),
        new(new RemoveNoOps(), "a composed view can be none"),
        new(new ShareEqual(), "layers ask for the same tables and lengths"),
        new(new RemoveDead(), "what was replaced lost its readers"),
    ];

    /// <summary>From an exporter's spelling to the raised vocabulary.</summary>
    public static IReadOnlyList<PipelineStep> Raise { get; } =
    [
        .. NormaliseSteps.All,
        new(new NormRms(), "before layer norms, which are RMS norms of x − mean(x)"),
        new(new NormLayer(), "what is left of spelled-out layer norms"),
        new(new ShapesFromInputs(), "attention takes the cache in; what asks for the cache's shape must ask the inputs instead"),
        new(new RaiseAttention(), "before linear layers: a product of queries and keys is recognised by its plain MatMul"),
        .. Tidy,
        new(new MlpActivation(), "any place after normalising"),
        new(new LinearLayers(), "last, since everything before reads plain products"),
    ];

    /// <summary>From the raised vocabulary to a target's operators.</summary>
    /// <param name="target">What may be used.</param>
    /// <param name="opset">Version of the standard operators.</param>
    /// <param name="packedDocuments">True if a row may hold several documents.</param>
    /// <param name="gatesApart">True if gate and up stay two products.</param>
    public static IReadOnlyList<PipelineStep> Lower(Target target, long opset, bool packedDocuments = false, bool gatesApart = false) =>
    [
        .. target == Target.OnnxEff ? (PipelineStep[])[new(new PlanMasks(packedDocuments), "before attention is lowered: it reads what is known of masks")] : [],
        .. target != Target.Onnx ? (PipelineStep[])[new(new PackProjections(target, gatesApart), "before attention and gates are lowered; what the target cannot take packed is parted then")] : [],
        new(new LowerAttention(target), "first: it may add products and activations of its own"),
        new(new ShapesFromInputs(), "masks that were spelled out ask the inputs, not each layer's values, and are one mask then"),
        new(new LowerNorms(target, opset), "needs the residual sums as they are"),
        new(new LowerActivations(target, opset), "any place"),
        new(new LowerLinear(), "any place"),
        new(new JoinSlices(), "after attention, which reads halves of angles and parts of heads as slices"),
        .. Tidy,
    ];

    /// <summary>All of it.</summary>
    public static Pipeline Full(Target target, long opset) => new([.. Raise, .. Lower(target, opset)]);
}
