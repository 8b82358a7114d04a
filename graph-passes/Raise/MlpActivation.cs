using OnnxEff.Ops.Llm;
using OnnxEff.Rewriting;
using static OnnxEff.Ops.Onnx.Standard;
using static OnnxEff.Rewriting.Pattern;

namespace OnnxEff.GraphPasses.Raise;

/// <summary>
/// x·σ(x) ⇒ llm.Silu(x); x·Φ(x) ⇒ llm.Gelu(x); act(gate)·up ⇒ llm.GatedActivation(gate, up).
/// 1. Silu: product with the sigmoid, QuickGelu and Swish with α = 1.
/// 2. Gelu by the error function: ½·x·(1 + erf(x/√2)) with the half anywhere; Gelu of ONNX and of ORT.
/// 3. Gelu by tanh: ½·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))) with the cube as power or product, the half anywhere, √(2/π)
///    outside or distributed; FastGelu, BiasGelu (whose bias becomes an Add).
/// 4. A product with an activation's result is a gate. The activation may have no other user.
/// Left alone: other α, clipped gates.
/// </summary>
public sealed class MlpActivation() : RulePass(
    Rewrite.Named("raise-silu").Match(X * Sigmoid(X)
            | Op("QuickGelu", X).In(Contrib).With("alpha", 1f)
            | Op("Swish", X).With("alpha", 1f, absent: 1f))
        .To(m => Silu(m)),
    Rewrite.Named("raise-gelu").Match(Op("Gelu", X).With("approximate", Approximate)).To(m => Gelu(m, m[X], m.Get(Approximate))),
    Rewrite.Named("raise-gelu-erf").Match(HalfOf(X, Erf((X / Math.Sqrt(2)) | (X * Math.Sqrt(0.5)))) | Op("Gelu", X).In(Contrib))
        .To(m => Gelu(m, m[X], "none")),
    Rewrite.Named("raise-gelu-tanh").Match(HalfOf(X, Tanh(CubicArgument)) | Op("FastGelu", X).In(Contrib)).To(m => Gelu(m, m[X], "tanh")),
    Rewrite.Named("raise-bias-gelu").Match(Op("BiasGelu", X, Bias).In(Contrib)).To(m => Gelu(m, Biased(m), "none")),
    Rewrite.Named("raise-bias-fast-gelu").Match(Op("FastGelu", X, Bias).In(Contrib)).To(m => Gelu(m, Biased(m), "tanh")),
    Rewrite.Named("raise-gated-silu").Match(Llm(Vocabulary.Silu) * Up).When(IsGate, NoGate).To(m => Gate(m, "silu")),
    Rewrite.Named("raise-gated-gelu").Match(Llm(Vocabulary.Gelu).With("approximate", "none") * Up).When(IsGate, NoGate).To(m => Gate(m, "gelu")),
    Rewrite.Named("raise-gated-gelu-tanh").Match(Llm(Vocabulary.Gelu).With("approximate", "tanh") * Up).When(IsGate, NoGate).To(m => Gate(m, "gelu_tanh")))
{
    const string Contrib = "com.microsoft";
    const string NoGate = "both operands must have the same shape";

    static readonly Var X = new("x"), Up = new("up"), Bias = new("bias");
    static readonly AttrVar<string> Approximate = new("approximate", "none");

    /// <inheritdoc/>
    public override string Name => "raise-activation";

    /// <inheritdoc/>
    public override string Summary => "act(gate)·up ⇒ llm.GatedActivation(gate, up)";

    /// <inheritdoc/>
    public override Exactness Exactness => Exactness.Reassociates;

    static Pattern CubicArgument
    {
        get
        {
            // √(2/π), as a double and in the ten and eight digits that model code has.
            Pattern c = (Pattern)Math.Sqrt(2 / Math.PI) | 0.7978845608 | 0.79788456;
            var cube = Op("Pow", X, 3.0) | (X * X * X) | (X * (X * X));
            return (c * (X + (0.044715 * cube))) | ((X * c) * (1.0 + ((X * 0.044715 * X) | (0.044715 * (X * X)))));
        }
    }

    /// <summary>½·x·(1 + f) with the factors in any grouping.</summary>
    static Pattern HalfOf(Pattern x, Pattern f)
    {
        var shifted = f + 1.0;
        return (0.5 * (x * shifted)) | ((0.5 * x) * shifted) | (x * (0.5 * shifted));
    }

    static OpPattern Llm(string op) => Op(op, X).In(Vocabulary.Domain);

    static bool IsGate(Match m) => m[X].Type?.Shape is { } shape && shape.Equals(m[Up].Type?.Shape);

    static Wire Silu(PatchBuilder m) => m.Op(Vocabulary.Domain, Vocabulary.Silu, [m[X]]);

    static Wire Biased(PatchBuilder m) => m.Op("Add", m[X], m[Bias]).OfType(m[X].Type);

    static Wire Gelu(PatchBuilder m, Wire x, string approximate) =>
        m.Op(Vocabulary.Domain, Vocabulary.Gelu, [x]).With("approximate", approximate);

    static Wire Gate(PatchBuilder m, string activation) =>
        m.Op(Vocabulary.Domain, Vocabulary.GatedActivation, [m[X], m[Up]]).With("activation", activation);
}
