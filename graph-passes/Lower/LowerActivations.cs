using OnnxEff.GraphPasses.Normalise;
using OnnxEff.Ir;
using OnnxEff.Ops;
using OnnxEff.Ops.Llm;
using OnnxEff.Rewriting;
using static OnnxEff.Rewriting.Pattern;

namespace OnnxEff.GraphPasses.Lower;

/// <summary>
/// act(gate)·up ⇒ one activation operator and a product. ONNX Runtime: QuickGelu (x·σ(α·x)), Gelu, FastGelu of com.microsoft.
/// OnnxEff: SwiGlu(gate, up) where the activation is SiLU, with any slope.
/// Standard ONNX: the sigmoid and a product; Gelu from opset 20, spelled out before. Relu and its square in both.
/// </summary>
public sealed class LowerActivations(Target target, long opset) : RulePass(
    Rewrite.Named("lower-gate").Match(Op(Vocabulary.GatedActivation, X, Up).In(Vocabulary.Domain).With("function", Function).With("alpha", Alpha))
        .To(m => IsOwn(m[X], m.Get(Function), target) ? m.Op(OnnxEffOperators.Domain, SwiGlu.Schema.Name, [m[X], m[Up]]).With("alpha", m.Get(Alpha))
            : m.Op("Mul", Activate(m, target, opset).OfType(m[X].Type), m[Up])),
    Rewrite.Named("lower-packed-gate").Match(Op(Vocabulary.GatedActivation, X).In(Vocabulary.Domain).With("alpha", Alpha))
        .To(m => m.Op(OnnxEffOperators.Domain, SwiGlu.Schema.Name, [m[X]]).With("alpha", m.Get(Alpha))),
    Rewrite.Named("lower-activation").Match(Op(Vocabulary.Activation, X).In(Vocabulary.Domain).With("function", Function).With("alpha", Alpha))
        .To(m => Activate(m, target, opset)))
{
    const string Contrib = "com.microsoft";

    static readonly Var X = new("gate"), Up = new("up");
    static readonly AttrVar<string> Function = new("function", Vocabulary.Silu);
    static readonly AttrVar<float> Alpha = new("alpha", 1f);

    /// <inheritdoc/>
    public override string Name => "lower-activations";

    /// <inheritdoc/>
    public override string Summary => "llm.GatedActivation(gate, up) ⇒ SwiGlu(gate, up), or QuickGelu(gate)·up";

    /// <inheritdoc/>
    public override Exactness Exactness => Exactness.Reassociates;

    /// <summary>Two nodes, each of which wakes threads up for a few numbers, take longer than one.</summary>
    internal static bool IsOwn(Value gate, string function, Target target) =>
        target == Target.OnnxEff && function == Vocabulary.Silu && SwiGlu.Schema.Types[0].Kinds.Contains(gate.Element());

    static Wire Activate(PatchBuilder m, Target target, long opset)
    {
        var (x, isStandard, function) = ((Wire)m[X], target == Target.Onnx, m.Get(Function));
        switch (function)
        {
            case Vocabulary.Relu:
                return m.Op("Relu", x);
            case Vocabulary.ReluSquared:
                var relu = m.Op("Relu", x).OfType(m[X].Type);
                return m.Op("Mul", relu, relu);
            case Vocabulary.Silu:
                return isStandard ? m.Op("Mul", x, m.Op("Sigmoid", Times(m, x, m.Get(Alpha))).OfType(m[X].Type))
                    : m.Op(Contrib, "QuickGelu", [x]).With("alpha", m.Get(Alpha));
            case Vocabulary.Gelu or Vocabulary.GeluTanh:
                var isTanh = function == Vocabulary.GeluTanh;
                return !isStandard ? m.Op(Contrib, isTanh ? "FastGelu" : "Gelu", [x])
                    : opset >= 20 ? m.Op("Gelu", x).With("approximate", isTanh ? "tanh" : "none")
                    : isTanh ? GeluByTanh(m, x) : GeluByErf(m, x);
            default:
                throw new InvalidOperationException($"There is no activation '{function}'.");
        }
    }

    static Wire GeluByTanh(PatchBuilder m, Wire x)
    {
        var cubic = Binary(m, "Add", x, Times(m, Binary(m, "Mul", x, Binary(m, "Mul", x, x)), 0.044715));
        return HalfOf(m, x, m.Op("Tanh", Times(m, cubic, Math.Sqrt(2 / Math.PI))));
    }

    static Wire GeluByErf(PatchBuilder m, Wire x) => HalfOf(m, x, m.Op("Erf", Times(m, x, Math.Sqrt(0.5))));

    /// <summary>½·x·(1 + f).</summary>
    static Wire HalfOf(PatchBuilder m, Wire x, Wire f) => Binary(m, "Mul", Times(m, x, 0.5), Binary(m, "Add", f.OfType(m[X].Type), Number(m, 1)));

    static Wire Times(PatchBuilder m, Wire x, double factor) => factor == 1 ? x : Binary(m, "Mul", x, Number(m, factor));

    static Wire Binary(PatchBuilder m, string op, Wire a, Wire b) => m.Op(op, a, b).OfType(m[X].Type);

    static Wire Number(PatchBuilder m, double value) => m.Constant(Constants.Scalar(value, m[X].Element()));
}
