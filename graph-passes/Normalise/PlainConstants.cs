using OnnxEff.Rewriting;
using static OnnxEff.Rewriting.Pattern;

namespace OnnxEff.GraphPasses.Normalise;

/// <summary>
/// f(x, c[1, 1, D]) ⇒ f(x, c[D]).
/// Axes of size 1 in front of a constant go, where the other operand has at least as many axes.
/// </summary>
public sealed class PlainConstants() : RulePass(
    Rewrite.Named("plain-right-constant").Match(AnyOf([.. Elementwise.OfTwo.Select(op => Op(op, X, C))]).As(Y)).When(HasFreeAxes).To(m => Again(m, m[X], Trimmed(m))),
    Rewrite.Named("plain-left-constant").Match(AnyOf([.. Elementwise.OfTwo.Select(op => Op(op, C, X))]).As(Y)).When(HasFreeAxes).To(m => Again(m, Trimmed(m), m[X])))
{
    static readonly Var X = new("x"), Y = new("y");
    static readonly Const C = new("c");

    /// <inheritdoc/>
    public override string Name => "plain-constants";

    /// <inheritdoc/>
    public override string Summary => "f(x, c[1, 1, D]) ⇒ f(x, c[D])";

    static Pattern AnyOf(Pattern[] patterns) => patterns.Aggregate((a, b) => a | b);

    static bool HasFreeAxes(Match m) => m[C].Constant is { Strings: null, Rank: > 1 } c && c.Dims[0] == 1 && m[X].Constant is null && m[X].Shape()?.Rank >= c.Rank;

    static Wire Trimmed(PatchBuilder m)
    {
        var c = m[C].Constant!;
        var free = 0;
        while (free < c.Rank - 1 && c.Dims[free] == 1)
            free++;
        return m.Constant(c.Reshape(c.Dims[free..]), m[C].Name);
    }

    static Wire Again(PatchBuilder m, Wire a, Wire b)
    {
        var node = m.Match.NodeOf(Y);
        var result = m.Op(node.OpType, a, b);
        foreach (var (name, value) in node.Attributes)
            result.With(name, value);
        return result;
    }
}
