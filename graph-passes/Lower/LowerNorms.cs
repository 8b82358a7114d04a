using OnnxEff.Ir;
using OnnxEff.Ops.Llm;
using OnnxEff.Rewriting;
using static OnnxEff.Rewriting.Pattern;

namespace OnnxEff.GraphPasses.Lower;

/// <summary>
/// llm.RmsNorm ⇒ the best operator of the target.
/// 1. ONNX Runtime, x = a + b of equal shapes: com.microsoft.SkipSimplifiedLayerNormalization, which also gives the sum.
/// 2. ONNX Runtime, else: SimplifiedLayerNormalization.
/// 3. Standard ONNX from opset 23: RMSNormalization. Before: spelled out.
/// </summary>
public sealed class LowerNorms(Target target, long opset) : RulePass(target == Target.Onnx ? [opset >= 23 ? ToStandard : ToPrimitives] : [ToSkipWithSum, ToSkip, ToSimplified])
{
    const string Contrib = "com.microsoft";

    static readonly Var X = new("x"), A = new("a"), B = new("b"), Sum = new("a + b"), Gamma = new("γ");
    static readonly AttrVar<float> Epsilon = new("epsilon", 1e-5f);

    static readonly Pattern OfSum = Norm((A + B).As(Sum));

    static readonly RewriteRule ToSkipWithSum = Rewrite.Named("lower-skip-rms-norm-and-sum").Match(OfSum, Sum)
        .Requires(IsResidual, "both operands must be hidden states of one shape")
        .Requires(m => m[Sum].Uses.Count > 1 || m[Sum].IsOutput, "the sum has no other user")
        .To(m => Skip(m) is var norm ? [norm, norm.At(3).OfType(m[Sum].Type)] : []);

    static readonly RewriteRule ToSkip = Rewrite.Named("lower-skip-rms-norm").Match(OfSum)
        .Requires(IsResidual, "both operands must be hidden states of one shape").To(Skip);

    static readonly RewriteRule ToSimplified = Rewrite.Named("lower-rms-norm").Match(Norm(X))
        .To(m => m.Op("SimplifiedLayerNormalization", m[X], m[Gamma]).With("axis", -1).With("epsilon", m.Get(Epsilon)).With("stash_type", 1));

    static readonly RewriteRule ToStandard = Rewrite.Named("lower-rms-norm-to-standard").Match(Norm(X))
        .To(m => m.Op("RMSNormalization", m[X], m[Gamma]).With("axis", -1).With("epsilon", m.Get(Epsilon)).With("stash_type", 1));

    static readonly RewriteRule ToPrimitives = Rewrite.Named("lower-rms-norm-to-primitives").Match(Norm(X)).To(SpellOut);

    /// <inheritdoc/>
    public override string Name => "lower-norms";

    /// <inheritdoc/>
    public override string Summary => "llm.RmsNorm(a + b, γ) ⇒ SkipSimplifiedLayerNormalization(a, b, γ)";

    /// <inheritdoc/>
    public override Exactness Exactness => Exactness.Reassociates;

    static OpPattern Norm(Pattern x) => Op(Vocabulary.RmsNorm, x, Gamma).In(Vocabulary.Domain).With("epsilon", Epsilon);

    static bool IsResidual(Match m) => m[A].Type is { Shape.Rank: 3 } type && type == m[B].Type
        && type.Element is ElementType.Float32 or ElementType.Float16;

    static Wire Skip(PatchBuilder m) =>
        m.Op(Contrib, "SkipSimplifiedLayerNormalization", [m[A], m[B], m[Gamma]]).With("epsilon", m.Get(Epsilon));

    static Wire SpellOut(PatchBuilder m)
    {
        var element = m[X].Type?.Element ?? ElementType.Float32;
        var isHalf = element is ElementType.Float16 or ElementType.BFloat16;
        Wire Cast(Wire value, ElementType to) => m.Op("Cast", value).With("to", (long)to).OfType(new TensorType(to, m[X].Type?.Shape));
        Wire x = isHalf ? Cast(m[X], ElementType.Float32) : m[X];
        var float32 = new TensorType(isHalf ? ElementType.Float32 : element);
        // The axes became an input with opset 18; a mean over the last axis by a product needs neither.
        var width = m[X].Type!.Shape![-1];
        var square = m.Op("Mul", x, x).OfType(float32);
        var ones = m.Constant(Tensor.Create<float>([width.Constant!.Value, 1], [.. Enumerable.Repeat(1f / width.Constant.Value, (int)width.Constant.Value)]));
        var mean = m.Op("MatMul", square, ones).OfType(float32);
        var root = m.Op("Sqrt", m.Op("Add", mean, m.Constant(Tensor.Scalar(m.Get(Epsilon)))).OfType(float32)).OfType(float32);
        var normalised = m.Op("Div", x, root).OfType(float32);
        return m.Op("Mul", isHalf ? Cast(normalised, element) : normalised, m[Gamma]);
    }
}
