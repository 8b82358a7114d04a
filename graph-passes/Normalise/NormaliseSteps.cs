using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses.Normalise;

/// <summary>
/// What brings every exporter's graph into one form before anything is recognised. It computes the same but for roundings. The result
/// has no functions and no Constant nodes, no computed shape that is known, and no operator that does nothing.
/// </summary>
public static class NormaliseSteps
{
    /// <summary>The passes in order.</summary>
    public static IReadOnlyList<PipelineStep> All { get; } =
    [
        new(new InlineFunctions(), "all passes look at operators, so calls go first"),
        new(new LiftConstants(), "constants are then one thing"),
        new(new RemoveDead(), "nothing is spent on what nobody reads"),
        new(new ShareEqual(), "exporters repeat shape computations for every layer; one is enough to follow"),
        new(new FoldShapes(), "what shapes tell needs no runtime"),
        new(new InlineBranches(), "conditions are known now"),
        new(new RemoveNoOps(), "constants may hide behind what does nothing"),
        new(new FoldConstants(), "one run computes all that is left of constant computations"),
        new(new RemoveNoOps(), "targets and types are constants now"),
        new(new SimplifyArithmetic(), "factors of 1 are constants now"),
        new(new CancelViews(), "what stood apart stands together"),
        new(new PlainProducts(), "sums and transpositions inside of products come to light"),
        new(new PlainEinsum(), "its transpositions come to light"),
        new(new PlainFunctions(), "powers, signs and quotients of one spelling"),
        new(new MergeFactors(), "signs are apart from factors now"),
        new(new PlainReductions(), "a mean's divisor is one number now"),
        new(new PlainSelections(), "what takes a part is a Slice"),
        new(new ConstantTargets(), "a constant target can be composed with others"),
        new(new RemoveDead(), "what computed targets reads no values any more, which may have one reader then"),
        new(new SinkRows(), "before views are composed: rows that meet cancel"),
        new(new ViewsFirst(), "what is split into heads is split as early as can be"),
        new(new SinkTransposes(), "before they are composed: those that meet become one"),
        new(new PlainRepeats(), "slices and targets have one spelling now"),
        new(new PlainTranspose(), "while its reshapes are still there"),
        new(new UnfoldBatch(), "its reshapes cancel those around it when views are composed"),
        new(new ComposeViews(), "chains are shorter without what does nothing"),
        new(new RemoveNoOps(), "a composed view can be none"),
        new(new FoldConstants(), "constants were transposed and scaled on the way"),
        new(new PlainConstants(), "folded constants may have axes of size 1 in front"),
        new(new ShareEqual(), "what was written in two ways is written in one now"),
        new(new RemoveDead(), "shape computations lost their readers"),
    ];
}
