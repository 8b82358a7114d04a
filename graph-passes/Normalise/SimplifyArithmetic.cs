using OnnxEff.Rewriting;
using static OnnxEff.Rewriting.Pattern;

namespace OnnxEff.GraphPasses.Normalise;

/// <summary>
/// x·1 ⇒ x.
/// 1. x·1, x/1, x−0, Pow(x, 1): the same bits.
/// 2. x+0: the same bits but for −0, which becomes +0; no operator of a language model tells them apart but a division by it.
/// 3. And(x, true), Or(x, false), Where(true, x, y), Where(false, y, x), Not(Not(x)).
/// Left alone: each of these where the constant gives the result another shape than x has.
/// </summary>
public sealed class SimplifyArithmetic() : RulePass(
    Rule("multiply-by-one", X * 1.0),
    Rule("divide-by-one", X / 1.0),
    Rule("subtract-zero", X - 0.0),
    Rule("add-zero", X + 0.0),
    Rule("power-of-one", Op("Pow", X, 1.0)),
    Rule("and-true", Op("And", X, 1.0)),
    Rule("or-false", Op("Or", X, 0.0)),
    Rule("where-known", Op("Where", 1.0, X, Any) | Op("Where", 0.0, Any, X)),
    Rule("not-not", Op("Not", Op("Not", X).As(Inner))))
{
    static readonly Var X = new("x"), Result = new("result"), Inner = new("inner");

    /// <inheritdoc/>
    public override string Name => "simplify-arithmetic";

    /// <inheritdoc/>
    public override string Summary => "x·1 ⇒ x";

    static RewriteRule Rule(string name, Pattern pattern) => Rewrite.Named(name).Match(pattern.As(Result)).Keeps(Inner)
        .When(m => m[X].Type is { Shape: { } shape } && shape.Equals(m[Result].Shape())).To(m => m[X]);
}
