using OnnxEff.Ir;
using OnnxEff.Rewriting;
using static OnnxEff.Rewriting.Pattern;

namespace OnnxEff.GraphPasses.Normalise;

/// <summary>
/// noop(x) ⇒ x.
/// 1. Identity; Dropout in inference mode whose mask nobody reads; Concat, Sum, Max, Min, Mean of one tensor.
/// 2. Cast (and CastLike) to the element type that x has.
/// 3. Reshape, Squeeze, Unsqueeze, Flatten, Expand, Tile whose result has the shape of x, dimension by dimension, symbols included.
/// 4. Slice with steps of 1 whose result has the shape of x: it can only be all of x.
/// 5. Transpose that moves no axis, or only axes of size 1 to a place that gives the shape of x.
/// 6. Pad by nothing, where all pads are constant zeros.
/// Left alone: all of these where a shape or type is not known; Dropout with a training mode that is no constant.
/// </summary>
public sealed class RemoveNoOps() : RulePass(
    Rule("remove-identity", Op("Identity", X)),
    Rule("remove-dropout", Op("Dropout", X).AllowMoreInputs().When(IsInference, "it may train, or its mask is read")),
    Rule("remove-join-of-one", Op("Concat", X) | Op("Sum", X) | Op("Max", X) | Op("Min", X) | Op("Mean", X)),
    Rule("remove-cast", Op("Cast", X).When(KeepsElement, "it changes the element type")
        | Op("CastLike", X, Any).When(KeepsElement, "it changes the element type")),
    Rule("remove-view", View("Reshape") | View("Squeeze") | View("Unsqueeze") | View("Flatten") | View("Expand") | View("Tile")),
    Rule("remove-slice", Op("Slice", X).AllowMoreInputs().When(IsWhole, "it may take less than all")),
    Rule("remove-transpose", Op("Transpose", X).When(MovesNothing, "it moves axes")),
    Rule("remove-pad", Op("Pad", X).AllowMoreInputs().When(n => n.Input(1)?.Constant is not null && Facts.IsAbsentOrAll(n.Input(1), 0), "it may pad")))
{
    static readonly Var X = new("x");

    /// <inheritdoc/>
    public override string Name => "remove-no-ops";

    /// <inheritdoc/>
    public override string Summary => "noop(x) ⇒ x";

    static RewriteRule Rule(string name, Pattern pattern) => Rewrite.Named(name).Match(pattern).To(m => m[X]);

    static OpPattern View(string op) => Op(op, X).AllowMoreInputs().When(Facts.KeepsShape, "it changes the shape");

    static bool IsInference(Node node) => node.Output(1) is not { } mask || mask is { Uses.Count: 0, IsOutput: false }
        ? Facts.IsAbsentOrAll(node.Input(2), 0) : false;

    static bool KeepsElement(Node node) => node.Input(0).Element() is not ElementType.Undefined and var element
        && element == (node.Is("Cast") ? Facts.CastTarget(node) : node.Input(1).Element());

    static bool IsWhole(Node node) => Facts.IsAbsentOrAll(node.Input(4), 1) && Facts.KeepsShape(node);

    static bool MovesNothing(Node node)
    {
        if (Facts.Permutation(node) is not { } perm)
            return false;
        if (perm.Select((p, i) => p == i).All(same => same))
            return true;
        if (node.Input(0).Shape() is not { } shape || shape.Rank != perm.Length || !Facts.KeepsShape(node))
            return false;
        var moved = perm.Where(p => shape[(int)p].Constant != 1);
        return moved.SequenceEqual(moved.Order());
    }
}
