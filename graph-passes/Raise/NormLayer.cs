using OnnxEff.Ops.Llm;
using OnnxEff.Rewriting;
using static OnnxEff.GraphPasses.Raise.NormPatterns;
using static OnnxEff.Ops.Onnx.Standard;
using static OnnxEff.Rewriting.Pattern;

namespace OnnxEff.GraphPasses.Raise;

/// <summary>
/// γ·(x−mean(x))/√(var(x)+ε)+β ⇒ LayerNormalization(x, γ, β), after RMS norms were raised.
/// 1. llm.RmsNorm(x − mean(x), γ) ⇒ LayerNormalization(x, γ): what is left of every spelling of it.
/// 2. LayerNormalization(x, γ) + β ⇒ LayerNormalization(x, γ, β) for a constant β that spans the normalised axis.
/// 3. SkipLayerNormalization ⇒ Add (and Add of its bias), LayerNormalization.
/// LayerNormalization over the last axis stays as it is. Needs opset 17.
/// </summary>
public sealed class NormLayer() : RulePass(
    Rewrite.Named("raise-layer-norm").Match(Op(Vocabulary.RmsNorm, X - ReduceMean(X, axes: [-1]), Gamma).In(Vocabulary.Domain)
            .With("epsilon", Epsilon).With("stash_type", StashType))
        .To(m => m.Op("LayerNormalization", m[X], m[Gamma]).With("axis", -1).With("epsilon", m.Get(Epsilon)).With("stash_type", m.Get(StashType))),
    Rewrite.Named("raise-layer-norm-bias").Match(
            Op("LayerNormalization", X, Gamma).With("axis", -1, absent: -1).With("epsilon", Epsilon).With("stash_type", StashType) + Shift)
        .When(m => m[Shift].Constant is { Rank: 1 } && Guards.SpansLastAxis(Shift, X).Holds(m))
        .To(m => m.Op("LayerNormalization", m[X], m[Gamma], m[Shift]).With("axis", -1).With("epsilon", m.Get(Epsilon)).With("stash_type", m.Get(StashType))),
    Rewrite.Named("raise-skip-layer-norm-and-sum").Match(SkipNorm.Output(0), SkipNorm.Output(3)).To(m => Skipped(m, both: true)),
    Rewrite.Named("raise-skip-layer-norm").Match(SkipNorm.Output(0)).To(m => Skipped(m, both: false)))
{
    const long FirstOpset = 17;

    static readonly Const Shift = new("β");
    static readonly AttrVar<float> SkipEpsilon = new("epsilon", 1e-12f);
    static readonly OpPattern SkipNorm = Op("SkipLayerNormalization", X, Skip, Gamma, Beta.Optional(), Bias.Optional())
        .In("com.microsoft").With("epsilon", SkipEpsilon);

    /// <inheritdoc/>
    public override string Name => "raise-layer-norm";

    /// <inheritdoc/>
    public override string Summary => "γ·(x−mean(x))/√(var(x)+ε)+β ⇒ LayerNormalization(x, γ, β)";

    /// <inheritdoc/>
    public override Exactness Exactness => Exactness.Reassociates;

    /// <inheritdoc/>
    public override PassResult Run(PassContext context)
    {
        if (context.Model.Opset >= FirstOpset)
            return base.Run(context);
        context.Refuse(new Refusal(Name, context.Model.Graph.Name, $"LayerNormalization needs opset {FirstOpset}, the model has {context.Model.Opset}"));
        return PassResult.Unchanged;
    }

    static Wire[] Skipped(PatchBuilder m, bool both)
    {
        var sum = m.Op("Add", m[X], m[Skip]).OfType(m[X].Type);
        if (m.Try(Bias) is { } bias)
            sum = m.Op("Add", sum, bias).OfType(m[X].Type);
        var norm = m.Op("LayerNormalization", sum, m[Gamma], m.Try(Beta)).With("axis", -1).With("epsilon", m.Get(SkipEpsilon));
        return both ? [norm, sum] : [norm];
    }
}
