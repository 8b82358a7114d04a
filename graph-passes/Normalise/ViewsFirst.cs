using OnnxEff.Ir;
using OnnxEff.Rewriting;
using static OnnxEff.Rewriting.Pattern;

namespace OnnxEff.GraphPasses.Normalise;

/// <summary>
/// Reshape(f(x)) ⇒ f(Reshape(x)) for functions of each element, and for x·x: heads are then split before anything is done to them.
/// Left alone: rows of a matrix, which <see cref="SinkRows"/> moves the other way; what others read too.
/// </summary>
public sealed class ViewsFirst() : RulePass(
    Rewrite.Named("view-before-function").Match(Op("Reshape", AnyOf([.. Elementwise.OfOne.Select(op => Op(op, X))]).As(Inner), Target).As(Y)).KeepsInner()
        .When(IsAlone).To(m => Again(m, operands: 1)),
    Rewrite.Named("view-before-square").Match(Op("Reshape", (X * X).As(Inner), Target).As(Y)).KeepsInner().When(IsAlone).To(m => Again(m, operands: 2)))
{
    static readonly Var X = new("x"), Target = new("target"), Inner = new("f(x)"), Y = new("y");

    /// <inheritdoc/>
    public override string Name => "views-first";

    /// <inheritdoc/>
    public override string Summary => "Reshape(f(x)) ⇒ f(Reshape(x))";

    static Pattern AnyOf(Pattern[] patterns) => patterns.Aggregate((a, b) => a | b);

    static bool IsAlone(Match m) => m[Inner] is { Uses.Count: 1, IsOutput: false } && m[X].Constant is null && m[Inner].Element().IsFloat() && m[X].Element().IsFloat()
        && m[Y].Shape() is { } to && m[X].Shape() is { } from && !(to.Rank == 2 && from.Rank > 2 && to[1] == from[-1]);

    static Wire Again(PatchBuilder m, int operands)
    {
        var node = m.Match.NodeOf(Inner);
        var view = m.Op("Reshape", m[X], m[Target]).OfType(m[X].Type! with { Shape = m[Y].Shape() });
        var result = m.Op(node.OpType, [.. Enumerable.Repeat<Wire?>(view, operands)]);
        foreach (var (name, value) in node.Attributes)
            result.With(name, value);
        return result;
    }
}
