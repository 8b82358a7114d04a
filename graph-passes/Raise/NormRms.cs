using OnnxEff.Ir;
using OnnxEff.Ops.Llm;
using OnnxEff.Rewriting;
using static OnnxEff.GraphPasses.Raise.NormPatterns;
using static OnnxEff.Rewriting.Pattern;

namespace OnnxEff.GraphPasses.Raise;

/// <summary>
/// γ·x/√(mean(x²)+ε) ⇒ llm.RmsNorm(x, γ).
/// 1. Spelled out: x² as Pow or product; the mean's axes as attribute or input; division by the root, product with its
///    reciprocal, with 1/root, or with a power of −0.5; casts to fp32 around it; γ before or after the last cast; any operand order.
///    Gemma's 1+γ is a constant by then.
/// 2. RMSNormalization of opset 23, SimplifiedLayerNormalization.
/// 3. SkipSimplifiedLayerNormalization ⇒ Add (and Add of its bias), RmsNorm; its sum stays a value of its own.
/// 4. Over several axes, the last ones: the same with these axes as one.
/// 5. Cast(RmsNorm(Cast(x))) of half precision ⇒ RmsNorm(x), which is computed in fp32 anyway.
/// Refused: γ that does not span the normalised axis. A weight that was multiplied in half precision after the last cast is
/// multiplied before it, which rounds once instead of twice.
/// </summary>
public sealed class NormRms() : RulePass(
    Rewrite.Named("raise-rms-norm").Match((Gamma.Maybe("Cast") * Normalised.Maybe("Cast")).As(Y))
        .Requires(GammaSpans)
        .To(m => BuildRmsNorm(m, (float)m[Eps], ElementType.Float32)),
    Rewrite.Named("raise-rms-normalization").Match(
            (Op("RMSNormalization", X, Gamma).With("axis", Axis).With("epsilon", Epsilon).With("stash_type", StashType)
            | Op("SimplifiedLayerNormalization", X, Gamma).With("axis", Axis).With("epsilon", Epsilon).With("stash_type", StashType)
            | Op("SimplifiedLayerNormalization", X, Gamma).In(Contrib).With("axis", Axis).With("epsilon", Epsilon).With("stash_type", StashType)).As(Y))
        .Requires(GammaSpans)
        .To(m => BuildRmsNorm(m, m.Get(Epsilon), (ElementType)m.Get(StashType))),
    Rewrite.Named("raise-skip-rms-norm-and-sum").Match(SkipNorm.Output(0).As(Y), SkipNorm.Output(3))
        .To(m => Skipped(m, both: true)),
    Rewrite.Named("raise-skip-rms-norm").Match(SkipNorm.Output(0).As(Y)).To(m => Skipped(m, both: false)),
    Rewrite.Named("raise-rms-norm-casts").Match(
            Op("Cast", Op(Vocabulary.RmsNorm, Op("Cast", X).As(Widened), Gamma).In(Vocabulary.Domain).With("epsilon", Epsilon)).As(Y))
        .When(m => Guards.ElementOf(m[X]) is ElementType.Float16 or ElementType.BFloat16 && Guards.ElementOf(m[X]) == Guards.ElementOf(m[Y]))
        .Keeps(Widened)
        .To(m => m.Op(Vocabulary.Domain, Vocabulary.RmsNorm, [m[X], m.Op("Cast", m[Gamma]).With("to", (long)Guards.ElementOf(m[X]))
            .OfType(new TensorType(Guards.ElementOf(m[X]), m[Gamma].Type?.Shape))])
            .With("epsilon", m.Get(Epsilon)).With("stash_type", (long)ElementType.Float32)))
{
    const string Contrib = "com.microsoft";

    static readonly Var Widened = new("fp32 x");
    static readonly OpPattern SkipNorm = Op("SkipSimplifiedLayerNormalization", X, Skip, Gamma, Bias.Optional()).In(Contrib).With("epsilon", Epsilon);

    /// <inheritdoc/>
    public override string Name => "raise-rms-norm";

    /// <inheritdoc/>
    public override string Summary => "γ·x/√(mean(x²)+ε) ⇒ llm.RmsNorm(x, γ)";

    /// <inheritdoc/>
    public override Exactness Exactness => Exactness.Reassociates;

    static Wire[] Skipped(PatchBuilder m, bool both)
    {
        var sum = m.Op("Add", m[X], m[Skip]).OfType(m[X].Type);
        if (m.Try(Bias) is { } bias)
            sum = m.Op("Add", sum, bias).OfType(m[X].Type);
        var norm = m.Op(Vocabulary.Domain, Vocabulary.RmsNorm, [sum, m[Gamma]])
            .With("epsilon", m.Get(Epsilon)).With("stash_type", (long)ElementType.Float32);
        return both ? [norm, sum] : [norm];
    }
}
