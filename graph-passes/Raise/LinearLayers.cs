using OnnxEff.Ir;
using OnnxEff.Ops.Llm;
using OnnxEff.Rewriting;
using static OnnxEff.Ops.Onnx.Standard;
using static OnnxEff.Rewriting.Pattern;

namespace OnnxEff.GraphPasses.Raise;

/// <summary>
/// x·w + b ⇒ llm.Linear(x, w, b).
/// 1. MatMul with a constant matrix. A weight that is stored as [N, K] (behind it a Transpose, as of a tied embedding or of a Gemm's
///    operand) stays stored so and is marked <c>transposed</c>.
/// 2. A constant vector added to the result becomes the bias.
/// 3. MatMulNBits: the stored form, its scales and zero points stay as they are.
/// Left alone: products with a matrix that is computed, or of another rank than 2.
/// </summary>
public sealed class LinearLayers() : RulePass(
    Rewrite.Named("raise-linear").Match(MatMul(X, Weight).As(Y)).When(IsMatrix, NoMatrix).To(m => Linear(m, m[Weight], transposed: false)),
    Rewrite.Named("raise-linear-transposed").Match(MatMul(X, Op("Transpose", Weight).When(SwapsTwo, "it does not swap two axes").As(Shared)).As(Y))
        .When(IsMatrix, NoMatrix).Keeps(Shared).To(m => Linear(m, m[Weight], transposed: true)),
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

    static Wire Linear(PatchBuilder m, Wire weight, bool transposed) =>
        m.Op(Vocabulary.Domain, Vocabulary.Linear, [m[X], weight]).With("transposed", transposed ? 1 : 0);

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
