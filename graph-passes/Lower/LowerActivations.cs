using OnnxEff.Ops.Llm;
using OnnxEff.Rewriting;
using static OnnxEff.Rewriting.Pattern;

namespace OnnxEff.GraphPasses.Lower;

/// <summary>
/// act(gate)·up ⇒ one activation operator and a product. ONNX Runtime: QuickGelu with α = 1 (x·σ(x)), Gelu, FastGelu of
/// com.microsoft. Standard ONNX: the sigmoid and a product; Gelu from opset 20, spelled out before.
/// </summary>
public sealed class LowerActivations(Target target, long opset) : RulePass(
[
    Gate("silu", (m, x) => Silu(m, x, target)),
    Gate("gelu", (m, x) => Gelu(m, x, "none", target, opset)),
    Gate("gelu_tanh", (m, x) => Gelu(m, x, "tanh", target, opset)),
    Rewrite.Named("lower-silu").Match(Op(Vocabulary.Silu, X).In(Vocabulary.Domain)).To(m => Silu(m, m[X], target)),
    Rewrite.Named("lower-gelu").Match(Op(Vocabulary.Gelu, X).In(Vocabulary.Domain).With("approximate", Approximate))
        .To(m => Gelu(m, m[X], m.Get(Approximate), target, opset)),
])
{
    const string Contrib = "com.microsoft";

    static readonly Var X = new("gate"), Up = new("up");
    static readonly AttrVar<string> Approximate = new("approximate", "none");

    /// <inheritdoc/>
    public override string Name => "lower-activations";

    /// <inheritdoc/>
    public override string Summary => "llm.GatedActivation(gate, up) ⇒ QuickGelu(gate)·up";

    /// <inheritdoc/>
    public override Exactness Exactness => Exactness.Reassociates;

    static RewriteRule Gate(string activation, Func<PatchBuilder, Wire, Wire> activate) =>
        Rewrite.Named($"lower-gated-{activation.Replace('_', '-')}")
            .Match(Op(Vocabulary.GatedActivation, X, Up).In(Vocabulary.Domain).With("activation", activation))
            .To(m => m.Op("Mul", activate(m, m[X]).OfType(m[X].Type), m[Up]));

    static Wire Silu(PatchBuilder m, Wire x, Target target) => target == Target.Onnx
        ? m.Op("Mul", x, m.Op("Sigmoid", x).OfType(m[X].Type))
        : m.Op(Contrib, "QuickGelu", [x]).With("alpha", 1f);

    static Wire Gelu(PatchBuilder m, Wire x, string approximate, Target target, long opset)
    {
        if (target != Target.Onnx)
            return m.Op(Contrib, approximate == "tanh" ? "FastGelu" : "Gelu", [x]);
        if (opset >= 20)
            return m.Op("Gelu", x).With("approximate", approximate);
        var type = m[X].Type;
        Wire Number(double value) => m.Constant(Constants.Scalar(value, type!.Element));
        Wire Binary(string op, Wire a, Wire b) => m.Op(op, a, b).OfType(type);
        var inner = approximate == "tanh"
            ? m.Op("Tanh", Binary("Mul", Number(Math.Sqrt(2 / Math.PI)),
                Binary("Add", x, Binary("Mul", Number(0.044715), Binary("Mul", x, Binary("Mul", x, x)))))).OfType(type)
            : m.Op("Erf", Binary("Mul", x, Number(Math.Sqrt(0.5)))).OfType(type);
        return Binary("Mul", Binary("Mul", Number(0.5), x), Binary("Add", inner, Number(1)));
    }
}
