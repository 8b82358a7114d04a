using OnnxEff.Rewriting;
using static OnnxEff.Rewriting.Pattern;

namespace OnnxEff.GraphPasses.Normalise;

/// <summary>
/// Reshape(Transpose(Reshape(x, [-1, T, D]), [0, 2, 1]), [B, H, D, T]) ⇒ Transpose(x, [0, 1, 3, 2]).
/// The leading axes are folded into one, the last two change places, and the leading axes are unfolded again.
/// Left alone: where the shapes before, between and after do not say so.
/// </summary>
public sealed class PlainTranspose() : RulePass(
    Rewrite.Named("plain-transpose")
        .Match(CancelViews.AnyView(Op("Transpose", CancelViews.AnyView(X).As(Folded))
            .When(n => n.Ints("perm") is [0, 2, 1], "it does not swap the last of three axes").As(Swapped)).As(Result))
        .When(SwapsLastTwo)
        .To(m => m.Op("Transpose", m[X]).With("perm", Permutation(m[X].Shape()!.Rank))))
{
    static readonly Var X = new("x"), Folded = new("folded"), Swapped = new("swapped"), Result = new("result");

    /// <inheritdoc/>
    public override string Name => "plain-transpose";

    /// <inheritdoc/>
    public override string Summary => "Reshape(Transpose(Reshape(x))) ⇒ Transpose(x)";

    static bool SwapsLastTwo(Match match)
    {
        if (match[X].Shape() is not { Rank: > 3 } x || match[Folded].Shape() is not { Rank: 3 } folded || match[Result].Shape() is not { } result
            || result.Rank != x.Rank || folded[1] != x[-2] || folded[2] != x[-1] || result[-2] != x[-1] || result[-1] != x[-2])
        {
            return false;
        }
        return Enumerable.Range(0, x.Rank - 2).All(i => x[i] == result[i]);
    }

    static long[] Permutation(int rank) => [.. Enumerable.Range(0, rank - 2).Select(i => (long)i), rank - 1, rank - 2];
}
