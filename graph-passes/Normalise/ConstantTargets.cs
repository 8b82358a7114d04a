using OnnxEff.Ir;
using OnnxEff.Rewriting;
using static OnnxEff.Rewriting.Pattern;

namespace OnnxEff.GraphPasses.Normalise;

/// <summary>
/// Reshape(x, computed) ⇒ Reshape(x, [0, 0, 4, -1]); Expand(x, computed) ⇒ Expand(x, [1, 1, 3, 1]).
/// 1. The target of a Reshape becomes a constant if the symbolic shape of its result can be written as one: a known dimension as it
///    is, a dimension that x has on the same axis as 0, at most one other as −1.
/// 2. The target of an Expand becomes a constant if each dimension is known or is the one that x has: 1 leaves that as it is.
/// Left alone: a Reshape with two dimensions that neither are known nor stand on their axis, or with a dimension that may be 0
/// beside a −1, which would then be undetermined; an Expand to a size that depends on an input.
/// </summary>
public sealed class ConstantTargets() : RulePass(
    Rewrite.Named("constant-reshape")
        .Match(Op("Reshape", X, Target).When(n => n.Input(1) is { Constant: null } && ReshapeTarget(n) is not null, NoConstant).As(Result))
        .To(m => m.Op("Reshape", m[X], m.Constant(Tensor.Vector<long>(ReshapeTarget(m.Match.NodeOf(Result))!)))),
    Rewrite.Named("constant-expand")
        .Match(Op("Expand", X, Target).When(n => n.Input(1) is { Constant: null } && ExpandTarget(n) is not null, NoConstant).As(Result))
        .To(m => m.Op("Expand", m[X], m.Constant(Tensor.Vector<long>(ExpandTarget(m.Match.NodeOf(Result))!)))))
{
    const string NoConstant = "its target is constant already or cannot be written as one";

    static readonly Var X = new("x"), Target = new("target"), Result = new("result");

    /// <inheritdoc/>
    public override string Name => "constant-targets";

    /// <inheritdoc/>
    public override string Summary => "Reshape(x, computed) ⇒ Reshape(x, [0, 0, 4, -1])";

    static long[]? ReshapeTarget(Node node) =>
        node.Input(0).Shape() is { } from && node.Result.Shape() is { } to ? ReshapeTarget(from, to) : null;

    /// <summary>A constant that reshapes one shape to another, or null.</summary>
    internal static long[]? ReshapeTarget(TensorShape from, TensorShape to)
    {
        var target = new long[to.Rank];
        var free = 0;
        for (var i = 0; i < target.Length; i++)
        {
            if (to[i].TryGetConstant(out var known))
            {
                if (known == 0)
                    return null; // A 0 would copy.
                target[i] = known;
            }
            else if (i < from.Rank && from[i] == to[i])
            {
                target[i] = 0;
            }
            else
            {
                (target[i], free) = (-1, free + 1);
            }
        }
        var copiesPositive = Enumerable.Range(0, target.Length).All(i => target[i] != 0 || to[i].LowerBound >= 1);
        return free == 0 || (free == 1 && copiesPositive) ? target : null;
    }

    static long[]? ExpandTarget(Node node)
    {
        if (node.Input(0).Shape() is not { } from || node.Result.Shape() is not { } to)
            return null;
        var target = new long[to.Rank];
        for (var i = 0; i < target.Length; i++)
        {
            var axis = i - (to.Rank - from.Rank);
            if (axis >= 0 && from[axis] == to[i])
                target[i] = 1;
            else if (to[i].TryGetConstant(out var known))
                target[i] = known;
            else
                return null;
        }
        return target;
    }
}
