using OnnxEff.Ir;
using OnnxEff.Rewriting;
using static OnnxEff.Ops.Onnx.Standard;
using static OnnxEff.Rewriting.Pattern;

namespace OnnxEff.GraphPasses.Normalise;

/// <summary>
/// 1/(1 + e⁻ˣ) ⇒ σ(x), and other functions that are spelled out.
/// 1. Powers: Pow(x, n) for n of 2, 3, ½, −½, −1 ⇒ products, roots, reciprocals; 1/x ⇒ Reciprocal(x).
/// 2. Signs: −1·x, x/−1, 0−x ⇒ −x; x+(−y) ⇒ x−y; x−(−y) ⇒ x+y; −(−x) ⇒ x; x−c ⇒ x+(−c) for a small constant c.
/// 3. y/(1 + e⁻ˣ) ⇒ y·σ(x), also with a slope of x; max(x, 0) ⇒ Relu(x).
/// 4. e^(x−max x)/Σ e^(x−max x) ⇒ softmax(x) along the last axis, also without the maximum.
/// 5. where(¬c, x, y) ⇒ where(c, y, x).
/// Only of floats, but for 5: integers compute shapes and positions, which are evaluated.
/// </summary>
public sealed class PlainFunctions() : RulePass(
    Float("plain-square", Op("Pow", X, 2.0), m => m.Op("Mul", m[X], m[X])),
    Float("plain-cube", Op("Pow", X, 3.0), m => m.Op("Mul", m.Op("Mul", m[X], m[X]).OfType(m[X].Type), m[X])),
    Float("plain-root", Op("Pow", X, 0.5), m => m.Op("Sqrt", m[X])),
    Float("plain-inverse-root", Op("Pow", X, -0.5), m => m.Op("Reciprocal", m.Op("Sqrt", m[X]).OfType(m[X].Type))),
    Float("plain-reciprocal", Op("Pow", X, -1.0) | (1.0 / X), m => m.Op("Reciprocal", m[X])),
    Float("plain-negation", (X * -1.0) | (X / -1.0) | (0.0 - X), m => m.Op("Neg", m[X])),
    Float("double-negation", Neg(Neg(X)), m => m[X]),
    Rewrite.Named("plain-difference").Match((X + Neg(Y)).As(Result)).KeepsInner().When(m => IsFloat(m) && m[Y].Constant is null).To(m => m.Op("Sub", m[X], m[Y])),
    Rewrite.Named("plain-sum").Match((X - Neg(Y)).As(Result)).KeepsInner().When(IsFloat).To(m => m.Op("Add", m[X], m[Y])),
    Float("add-negated-number", X - C, m => m.Op("Add", m[X], m.Constant(Constants.Like(m[(Var)C].Constant!, -m[C])))),
    Rewrite.Named("add-negated-constant").Match((X - Negated).As(Result))
        .When(m => IsFloat(m) && m[X].Constant is null && m[Negated].Constant!.Data.Length <= FoldConstants.SmallBytes)
        .To(m => m.Op("Add", m[X], m.Op("Neg", m[Negated]).OfType(m[Negated].Type))),
    Float("plain-sigmoid", Reciprocal(1.0 + Exp(Neg(X))), m => m.Op("Sigmoid", m[X])),
    Float("plain-sloped-sigmoid", Reciprocal(1.0 + Exp(X * C)), m => m.Op("Sigmoid", Sloped(m))),
    Rewrite.Named("plain-swish").Match((Y / (1.0 + Exp(Neg(X)))).As(Result)).KeepsInner().When(IsFloat)
        .To(m => m.Op("Mul", m[Y], m.Op("Sigmoid", m[X]).OfType(m[X].Type))),
    Rewrite.Named("plain-sloped-swish").Match((Y / (1.0 + Exp(X * C))).As(Result)).KeepsInner().When(IsFloat)
        .To(m => m.Op("Mul", m[Y], m.Op("Sigmoid", Sloped(m)).OfType(m[X].Type))),
    Float("plain-relu", Op("Max", X, 0.0) | Op("Clip", X, 0.0), m => m.Op("Relu", m[X])),
    Float("plain-softmax", (Powers / Total) | (Powers * Reciprocal(Total)), m => m.Op("Softmax", m[X]).With("axis", -1)),
    Rewrite.Named("where-not").Match(Op("Where", Op("Not", X), Y, Z)).KeepsInner().To(m => m.Op("Where", m[X], m[Z], m[Y])))
{
    static readonly Var X = new("x"), Y = new("y"), Z = new("z"), Result = new("result"), Exponentials = new("e^x");
    static readonly Scalar C = new("c");
    static readonly Const Negated = new("vector");

    /// <inheritdoc/>
    public override string Name => "plain-functions";

    /// <inheritdoc/>
    public override string Summary => "1/(1 + e⁻ˣ) ⇒ σ(x)";

    /// <inheritdoc/>
    public override Exactness Exactness => Exactness.Reassociates;

    static Pattern Powers => (Exp(X - ReduceMax(X, axes: [-1])) | Exp(X)).As(Exponentials);

    static Pattern Total => ReduceSum(Exponentials, axes: [-1]);

    static OpPattern Exp(Pattern x) => Op("Exp", x);

    /// <summary>A rule for floats whose result has the shape of x.</summary>
    static RewriteRule Float(string name, Pattern pattern, Func<PatchBuilder, Wire> build) => Rewrite.Named(name).Match(pattern.As(Result)).KeepsInner()
        .When(m => IsFloat(m) && m[X].Shape() is { } shape && shape.Equals(m[Result].Shape())).To(build);

    static bool IsFloat(Match m) => m[Result].Element().IsFloat();

    static Wire Sloped(PatchBuilder m) => m.Op("Mul", m[X], m.Constant(Constants.Like(m[(Var)C].Constant!, -m[C]))).OfType(m[X].Type);
}
