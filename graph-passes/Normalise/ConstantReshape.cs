using OnnxEff.Ir;
using OnnxEff.Rewriting;
using static OnnxEff.Rewriting.Pattern;

namespace OnnxEff.GraphPasses.Normalise;

/// <summary>
/// Reshape(x, computed) ⇒ Reshape(x, [0, 0, 4, -1]).
/// The target of a Reshape becomes a constant if the symbolic shape of its result can be written as one: a known dimension as it is, a
/// dimension that x has on the same axis as 0, at most one other as −1.
/// Left alone: results with two dimensions that neither are known nor stand on their axis; results with a dimension that may be 0
/// beside a −1, which would then be undetermined.
/// </summary>
public sealed class ConstantReshape() : RulePass(
    Rewrite.Named("constant-reshape")
        .Match(Op("Reshape", X, Target).With("allowzero", 0, absent: 0).When(n => n.Input(1) is { Constant: null } && TargetOf(n) is not null,
            "its target is constant already or cannot be written as one").As(Result))
        .To(m => m.Op("Reshape", m[X], m.Constant(Tensor.Vector<long>(TargetOf(m.Match.NodeOf(Result))!)))))
{
    static readonly Var X = new("x"), Target = new("target"), Result = new("result");

    /// <inheritdoc/>
    public override string Name => "constant-reshape";

    /// <inheritdoc/>
    public override string Summary => "Reshape(x, computed) ⇒ Reshape(x, [0, 0, 4, -1])";

    static long[]? TargetOf(Node node)
    {
        if (node.Input(0).Shape() is not { } from || node.Result.Shape() is not { } to)
            return null;
        var target = new long[to.Rank];
        var free = 0;
        for (var i = 0; i < target.Length; i++)
        {
            if (to[i].TryGetConstant(out var known))
                target[i] = known;
            else if (i < from.Rank && from[i] == to[i])
                target[i] = 0;
            else
                (target[i], free) = (-1, free + 1);
            if (known == 0 && to[i].IsConstant)
                return null;
        }
        if (free == 0)
            return target;
        var copiesPositive = Enumerable.Range(0, target.Length).All(i => target[i] != 0 || to[i].LowerBound >= 1);
        return free == 1 && copiesPositive ? target : null;
    }
}
