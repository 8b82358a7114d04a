using OnnxEff.Ir;
using OnnxEff.Ops.Onnx;
using OnnxEff.Rewriting;
using static OnnxEff.Rewriting.Pattern;

namespace OnnxEff.GraphPasses.Normalise;

/// <summary>
/// view(view(x)) ⇒ view(x).
/// 1. Transpose(Transpose(x, p), q) ⇒ Transpose(x, p∘q).
/// 2. Cast(Cast(x, A→B), B→C) ⇒ Cast(x, A→C) if B holds every value of A; with C = A it is x itself.
/// 3. Reshape(view(x), t) ⇒ Reshape(x, t) for a constant t without 0 (0 copies a dimension of the value between, not of x).
/// 4. view(view(x)) ⇒ x if the result has the known shape of x, whatever is between.
/// 5. Unsqueeze(Unsqueeze(x, a), b) ⇒ Unsqueeze(x, a∪b) for constant axes and a known rank.
/// The value between may have other users: it stays for them.
/// Left alone: casts through a narrower type (they round), targets that are computed.
/// </summary>
public sealed class ComposeViews() : RulePass(
    Rewrite.Named("compose-transposes").Match(Op("Transpose", Op("Transpose", X).When(HasPerm, RankUnknown).As(Inner)).When(HasPerm, RankUnknown).As(Outer))
        .Keeps(Inner).To(m => m.Op("Transpose", m[X]).With("perm", Compose(Facts.Permutation(m.Match.NodeOf(Inner))!, Facts.Permutation(m.Match.NodeOf(Outer))!))),
    Rewrite.Named("compose-casts").Match(Op("Cast", Op("Cast", X).When(WidensExactly, "the value between is rounded").As(Inner)).As(Outer))
        .Keeps(Inner).To(m => Facts.CastTarget(m.Match.NodeOf(Outer)) == m[X].Element() ? m[X]
            : m.Op("Cast", m[X]).With("to", m.Match.NodeOf(Outer).Int("to"))),
    Rewrite.Named("cancel-views").Match(AnyView(AnyView(X).As(Inner)).As(Outer))
        .Keeps(Inner).When(m => m[X].Shape() is { } shape && shape.Equals(m[Outer].Shape())).To(m => m[X]),
    Rewrite.Named("compose-reshapes").Match(Op("Reshape", AnyView(X).As(Inner), Target).When(n => n.Input(1)?.Constant?.ToInt64()?.Contains(0) == false, "the target copies a dimension or is computed"))
        .Keeps(Inner).To(m => m.Op("Reshape", m[X], m[Target])),
    Rewrite.Named("compose-unsqueezes").Match(Op("Unsqueeze", Op("Unsqueeze", X, Any).As(Inner), Any).As(Outer))
        .Keeps(Inner).When(m => UnionOfAxes(m) is not null).To(m => m.Op("Unsqueeze", m[X], m.Constant(Tensor.Vector<long>(UnionOfAxes(m.Match)!)))))
{
    const string RankUnknown = "its permutation is not known";

    static readonly Var X = new("x"), Inner = new("inner"), Outer = new("outer");
    static readonly Const Target = new("target");

    /// <inheritdoc/>
    public override string Name => "compose-views";

    /// <inheritdoc/>
    public override string Summary => "view(view(x)) ⇒ view(x)";

    static Pattern AnyView(Pattern x) => Op("Reshape", x).AllowMoreInputs() | Op("Squeeze", x).AllowMoreInputs()
        | Op("Unsqueeze", x).AllowMoreInputs() | Op("Flatten", x);

    static bool HasPerm(Node node) => Facts.Permutation(node) is not null;

    static long[] Compose(long[] inner, long[] outer) => [.. outer.Select(axis => inner[axis])];

    static bool WidensExactly(Node node) => node.Input(0).Element() is not ElementType.Undefined and var from
        && Facts.IsLossless(from, Facts.CastTarget(node));

    static long[]? UnionOfAxes(Match match)
    {
        var (inner, outer) = (match.NodeOf(Inner), match.NodeOf(Outer));
        if (match[X].Shape() is not { } shape || Axes.Of(inner) is not { } first || Axes.Of(outer) is not { } second)
            return null;
        var middle = shape.Rank + first.Length;
        var rank = middle + second.Length;
        var added = Axes.Normalise(second, rank);
        // Axes that the outer one leaves are those of the value between, in order.
        var kept = Enumerable.Range(0, rank).Select(i => (long)i).Except(added).ToArray();
        return [.. Axes.Normalise(first, middle).Select(a => kept[a]).Concat(added).Order()];
    }
}
