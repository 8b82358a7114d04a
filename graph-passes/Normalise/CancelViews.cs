using OnnxEff.Ir;
using OnnxEff.Ops.Onnx;
using OnnxEff.Rewriting;
using static OnnxEff.Rewriting.Pattern;

namespace OnnxEff.GraphPasses.Normalise;

/// <summary>
/// back(there(x)) ⇒ x.
/// 1. Transpose(Transpose(x, p), q) ⇒ Transpose(x, p∘q).
/// 2. Cast(Cast(x, A→B), B→C) ⇒ Cast(x, A→C) if B holds every value of A; with C = A it is x itself.
/// 3. view(view(x)) ⇒ x if the result has the known shape of x, whatever is between.
/// 4. Unsqueeze(Unsqueeze(x, a), b) ⇒ Unsqueeze(x, a∪b), Squeeze(Unsqueeze(x, a), b) ⇒ Unsqueeze(x, a∖b) for constant axes and a
///    known rank.
/// 5. Reshape(flat(x), t) ⇒ Reshape(x, t) for a vector of all elements of x between.
/// The value between may have other users: it stays for them.
/// Left alone: casts through a narrower type (they round).
/// </summary>
public sealed class CancelViews() : RulePass(All)
{
    const string RankUnknown = "its permutation is not known";

    static readonly Var X = new("x"), Inner = new("inner"), Outer = new("outer"), Target = new("target");

    /// <summary>Transpose(Transpose(x, p), q) ⇒ Transpose(x, p∘q).</summary>
    internal static RewriteRule Transposes { get; } = Rewrite.Named("compose-transposes")
        .Match(Op("Transpose", Op("Transpose", X).When(HasPerm, RankUnknown).As(Inner)).When(HasPerm, RankUnknown).As(Outer)).Keeps(Inner).To(Composed);

    /// <summary>The rules.</summary>
    internal static IReadOnlyList<RewriteRule> All { get; } =
    [
        Transposes,
        Rewrite.Named("compose-casts").Match(Op("Cast", Op("Cast", X).When(WidensExactly, "the value between is rounded").As(Inner)).As(Outer))
            .Keeps(Inner).To(m => Facts.CastTarget(m.Match.NodeOf(Outer)) == m[X].Element() ? m[X]
                : m.Op("Cast", m[X]).With("to", m.Match.NodeOf(Outer).Int("to"))),
        Rewrite.Named("cancel-views").Match(AnyView(AnyView(X).As(Inner)).As(Outer))
            .Keeps(Inner).When(m => m[X].Shape() is { } shape && shape.Equals(m[Outer].Shape())).To(m => m[X]),
        Rewrite.Named("compose-unsqueezes").Match(Op("Unsqueeze", Op("Unsqueeze", X, Any).As(Inner), Any).As(Outer))
            .Keeps(Inner).When(m => UnionOfAxes(m) is not null).To(m => m.Op("Unsqueeze", m[X], m.Constant(Tensor.Vector<long>(UnionOfAxes(m.Match)!)))),
        Rewrite.Named("compose-squeeze").Match(Op("Squeeze", Op("Unsqueeze", X, Any).As(Inner), Any).As(Outer))
            .Keeps(Inner).When(m => AxesLeft(m) is not null).To(m => m.Op("Unsqueeze", m[X], m.Constant(Tensor.Vector<long>(AxesLeft(m.Match)!)))),
        // A 0 in the target would copy a dimension of the vector, not of x.
        Rewrite.Named("compose-flat").Match(Op("Reshape", AnyView(X).As(Inner), Target)).Keeps(Inner)
            .When(m => m[Inner].Shape()?.Rank == 1 && m[X].Shape()?.Rank > 1 && m[Target].Constant?.ToInt64()?.Contains(0) != true).To(m => m.Op("Reshape", m[X], m[Target])),
    ];

    /// <inheritdoc/>
    public override string Name => "cancel-views";

    /// <inheritdoc/>
    public override string Summary => "back(there(x)) ⇒ x";

    /// <summary>Any operator that keeps the elements and their order.</summary>
    internal static Pattern AnyView(Pattern x) => Op("Reshape", x).AllowMoreInputs() | Op("Squeeze", x).AllowMoreInputs()
        | Op("Unsqueeze", x).AllowMoreInputs() | Op("Flatten", x);

    static bool HasPerm(Node node) => Facts.Permutation(node) is not null;

    static Wire Composed(PatchBuilder m)
    {
        var (inner, outer) = (Facts.Permutation(m.Match.NodeOf(Inner))!, Facts.Permutation(m.Match.NodeOf(Outer))!);
        long[] both = [.. outer.Select(axis => inner[axis])];
        return both.Select((axis, i) => axis == i).All(stays => stays) ? m[X] : m.Op("Transpose", m[X]).With("perm", both);
    }

    static bool WidensExactly(Node node) => node.Input(0).Element() is not ElementType.Undefined and var from
        && Facts.IsLossless(from, Facts.CastTarget(node));

    static long[]? UnionOfAxes(Match match)
    {
        if (AxesOfBoth(match, 1) is not var (added, second))
            return null;
        // Axes that the outer one leaves are those of the value between, in order.
        var kept = Enumerable.Range(0, match[X].Shape()!.Rank + added.Length + second.Length).Select(i => (long)i).Except(second).ToArray();
        return [.. added.Select(a => kept[a]).Concat(second).Order()];
    }

    /// <summary>The axes of an Unsqueeze without those that a Squeeze takes away again; null if it takes all, or others too.</summary>
    static long[]? AxesLeft(Match match) => AxesOfBoth(match, 0) is var (added, dropped) && dropped.Length < added.Length && dropped.All(a => added.Contains(a))
        ? [.. added.Except(dropped).Select(a => a - dropped.Count(d => d < a)).Order()] : null;

    /// <summary>The axes of the inner and the outer node, counted from the front.</summary>
    /// <param name="match">The match.</param>
    /// <param name="adds">1 if the outer node adds axes, 0 if it drops some.</param>
    static (long[] Inner, long[] Outer)? AxesOfBoth(Match match, int adds)
    {
        if (match[X].Shape() is not { } shape || Axes.Of(match.NodeOf(Inner)) is not { } first || Axes.Of(match.NodeOf(Outer)) is not { } second)
            return null;
        var rank = shape.Rank + first.Length;
        return (Axes.Normalise(first, rank), Axes.Normalise(second, rank + (adds * second.Length)));
    }
}
