using OnnxEff.Ir;
using OnnxEff.Ops.Llm;
using OnnxEff.Rewriting;
using static OnnxEff.Rewriting.Pattern;

namespace OnnxEff.GraphPasses.Lower;

/// <summary>
/// llm.Linear ⇒ the operator for its stored format.
/// 1. MatMulNBits stays MatMulNBits, with its bias inside.
/// 2. A weight stored as [N, K] (a tied embedding): Transpose and MatMul. ONNX Runtime transposes the constant when it loads the
///    file, packs the result and keeps that only; with FusedMatMul it reads the file's rows too, and one token takes longer.
/// 3. A weight stored as [K, N]: MatMul. A bias is added behind.
/// </summary>
public sealed class LowerLinear() : RulePass(
    Rewrite.Named("lower-matmul-nbits").Match(Linear.With("format", Vocabulary.MatMulNBits).As(Y)).To(ToMatMulNBits),
    Rewrite.Named("lower-linear").Match(Linear.When(n => n.Text("format").Length == 0, "it is stored in another format").As(Y)).To(ToMatMul))
{
    const string Contrib = "com.microsoft";

    static readonly Var X = new("x"), Weight = new("w"), Bias = new("bias"), Scales = new("scales"), Zeros = new("zero points"),
        Groups = new("group index"), Y = new("y");

    static readonly OpPattern Linear = Op(Vocabulary.Linear, X, Weight, Bias.Optional(), Scales.Optional(), Zeros.Optional(), Groups.Optional())
        .In(Vocabulary.Domain);

    /// <inheritdoc/>
    public override string Name => "lower-linear";

    /// <inheritdoc/>
    public override string Summary => "llm.Linear(x, w, b) ⇒ MatMul(x, w) + b, or the operator of its stored format";

    /// <inheritdoc/>
    public override Exactness Exactness => Exactness.Reassociates;

    static Wire ToMatMulNBits(PatchBuilder m)
    {
        var product = m.Op(Contrib, "MatMulNBits", [m[X], m[Weight], m[Scales], m.Try(Zeros), m.Try(Groups), m.Try(Bias)]);
        foreach (var (name, value) in m[Y].Producer!.Attributes.Where(a => a.Key is not ("transposed" or "format")))
            product.With(name, value);
        return product;
    }

    static Wire ToMatMul(PatchBuilder m)
    {
        var product = m.Op("MatMul", m[X], m[Y].Producer!.Int("transposed") == 0 ? m[Weight] : Transposed(m));
        return m.Try(Bias) is { } bias ? m.Op("Add", product.OfType(m[Y].Type), bias) : product;
    }

    static Wire Transposed(PatchBuilder m)
    {
        var type = m[Weight].Type!;
        return m.Op("Transpose", m[Weight]).With("perm", (long[])[1, 0])
            .OfType(type with { Shape = new TensorShape(type.Shape![1], type.Shape[0]) });
    }
}
