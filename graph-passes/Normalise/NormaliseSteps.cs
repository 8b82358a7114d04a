using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses.Normalise;

/// <summary>
/// What brings every exporter's graph into one form before anything is recognised. All of it is exact. The result has
/// no functions and no Constant nodes, no computed shape that is known, and no operator that does nothing.
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
        new(new FoldConstants(), "one run computes all that is left of constant computations"),
        new(new RemoveNoOps(), "targets and types are constants now"),
        new(new SimplifyArithmetic(), "factors of 1 are constants now"),
        new(new ConstantTargets(), "a constant target can be composed with others"),
        new(new PlainTranspose(), "while its reshapes are still there"),
        new(new UnfoldBatch(), "its reshapes cancel those around it when views are composed"),
        new(new ComposeViews(), "chains are shorter without what does nothing"),
        new(new RemoveNoOps(), "a composed view can be none"),
        new(new ShareEqual(), "what was written in two ways is written in one now"),
        new(new RemoveDead(), "shape computations lost their readers"),
    ];
}
