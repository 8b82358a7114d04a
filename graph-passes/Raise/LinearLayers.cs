using OnnxEff.Ir;
using OnnxEff.Ops.Llm;
using OnnxEff.Rewriting;
using static OnnxEff.Ops.Onnx.Standard;
using static OnnxEff.Rewriting.Pattern;

namespace OnnxEff.GraphPasses.Raise;

/// <summary>
/// x·w + b ⇒ llm.Linear(x, w, b).
/// 1. MatMul with a constant matrix; Gemm with one, α = β = 1 and x not transposed. A weight that is stored as [N, K] (Gemm with
///    transB, or a Transpose of a constant, such as a tied embedding) stays stored so and is marked <c>transposed</c>.
/// 2. A constant vector added to the result becomes the bias.
/// 3. MatMulNBits: the stored form, its scales and zero points stay as they are.
/// Left alone: products with a matrix that is computed, or of another rank than 2.
/// Refused: Gemm with α or β other than 1, or with x transposed; a Gemm whose bias is no vector of the output's width.
/// </summary>
public sealed class LinearLayers() : RulePass(
    Rewrite.Named("raise-linear").Match(MatMul(X, Weight).As(Y)).When(IsMatrix, NoMatrix).To(m => Linear(m, m[Weight], transposed: false)),
    Rewrite.Named("raise-linear-transposed").Match(MatMul(X, Op("Transpose", Weight).When(SwapsTwo, "it does not swap two axes").As(Shared)).As(Y))
        .When(IsMatrix, NoMatrix).Keeps(Shared).To(m => Linear(m, m[Weight], transposed: true)),
    Rewrite.Named("raise-gemm").Match(Op("Gemm", X, Weight, Bias.Optional()).With("transB", TransB).With("alpha", Alpha).With("beta", Beta).With("transA", TransA).As(Y))
        .When(IsMatrix, NoMatrix)
        .Requires(m => m.Get(Alpha) == 1f && m.Get(Beta) == 1f, "α and β must be 1")
        .Requires(m => m.Get(TransA) == 0, "x must not be transposed")
        .Requires(m => !m.Has(Bias) || IsBias(m), "the bias must be a constant vector of the output's width")
        .To(m => Linear(m, m[Weight], transposed: m.Get(TransB) != 0, m.Try(Bias))),
    Rewrite.Named("raise-matmul-nbits").Match(Op("MatMulNBits", X, Weight, Scales, Zeros.Optional(), Groups.Optional(), Bias.Optional()).In("com.microsoft").As(Y))
        .To(FromMatMulNBits),
    Rewrite.Named("raise-linear-bias").Match(
            (Op(Vocabulary.Linear, X, Weight, Any.Optional(), Scales.Optional(), Zeros.Optional(), Groups.Optional()).In(Vocabulary.Domain)
                .When(n => n.Input(2) is null, "it has a bias").As(Product) + Bias).As(Y))
        .When(IsBias, "the other operand is no constant vector of the output's width")
        .To(WithBias))
{
    const string NoMatrix = "the weight is no constant matrix";

    static readonly Var X = new("x"), Y = new("y"), Product = new("product"), Bias = new("bias"), Shared = new("wᵀ"),
        Scales = new("scales"), Zeros = new("zero points"), Groups = new("group index");
    static readonly Const Weight = new("w");
    static readonly AttrVar<float> Alpha = new("alpha", 1f), Beta = new("beta", 1f);
    static readonly AttrVar<long> TransA = new("transA", 0), TransB = new("transB", 0);

    /// <inheritdoc/>
    public override string Name => "raise-linear";

    /// <inheritdoc/>
    public override string Summary => "x·w + b ⇒ llm.Linear(x, w, b)";

    /// <inheritdoc/>
    public override Exactness Exactness => Exactness.Reassociates;

    static bool IsMatrix(Match m) => m[Weight].Constant is { Rank: 2 };

    static bool SwapsTwo(Node node) => node.Ints("perm") is null or [1, 0];

    static bool IsBias(Match m) => m[Bias].Constant is { Rank: 1 } bias
        && Guards.LastDim(m[Y])?.Constant == bias.Count && Guards.ElementOf(m[Y]) == bias.Element;

    static Wire Linear(PatchBuilder m, Wire weight, bool transposed, Wire? bias = null)
    {
        var linear = m.Op(Vocabulary.Domain, Vocabulary.Linear, bias is null ? [m[X], weight] : [m[X], weight, bias]);
        return transposed ? linear.With("transposed", 1) : linear.With("transposed", 0);
    }

    static Wire FromMatMulNBits(PatchBuilder m)
    {
        var linear = m.Op(Vocabulary.Domain, Vocabulary.Linear, [m[X], m[Weight], m.Try(Bias), m[Scales], m.Try(Zeros), m.Try(Groups)]);
        foreach (var (name, value) in m[Y].Producer!.Attributes)
            linear.With(name, value);
        return linear.With("transposed", 1).With("format", Vocabulary.MatMulNBits);
    }

    static Wire WithBias(PatchBuilder m)
    {
        var product = m[Product].Producer!;
        var linear = m.Op(Vocabulary.Domain, Vocabulary.Linear, [m[X], m[Weight], m[Bias], m.Try(Scales), m.Try(Zeros), m.Try(Groups)]);
        foreach (var (name, value) in product.Attributes)
            linear.With(name, value);
        return linear;
    }
}
