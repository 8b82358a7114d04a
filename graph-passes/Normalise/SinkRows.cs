using OnnxEff.Ir;
using OnnxEff.Rewriting;
using static OnnxEff.Rewriting.Pattern;

namespace OnnxEff.GraphPasses.Normalise;

/// <summary>
/// f(rows(x)) ⇒ rows(f(x)), where rows stands for Reshape from [B, S, K] to [B·S, K].
/// 1. A product with a matrix, which some exporters write as Gemm of rows.
/// 2. Functions of each element, and their sums and products with numbers, with vectors along the last axis, and with rows of
///    another value of the same shape.
/// What folds rows then meets what unfolds them, and both go.
/// </summary>
public sealed class SinkRows() : RulePass(
    Rewrite.Named("rows-behind-product").Match(Op("MatMul", Rows(X), Z).As(Y)).KeepsInner()
        .When(m => m[Z].Shape()?.Rank == 2 && m[Y].Shape()?[1].Constant is > 0).To(m => Again(m, m[X], m[Z])),
    Rewrite.Named("rows-behind-function").Match(AnyOf([.. Elementwise.OfOne.Select(op => Op(op, Rows(X)))]).As(Y)).KeepsInner().To(m => Again(m, m[X])),
    Rewrite.Named("rows-behind-vector").Match(AnyOf([.. Elementwise.OfTwo.Select(op => Op(op, Rows(X), Z))]).As(Y)).KeepsInner()
        .When(IsVector).To(m => Again(m, m[X], m[Z])),
    Rewrite.Named("rows-behind-vector-before").Match(AnyOf([.. Elementwise.OfTwo.Select(op => Op(op, Z, Rows(X)))]).As(Y)).KeepsInner()
        .When(IsVector).To(m => Again(m, m[Z], m[X])),
    Rewrite.Named("rows-behind-both").Match(AnyOf([.. Elementwise.OfTwo.Select(op => Op(op, Rows(X), Rows(Z)))]).As(Y)).KeepsInner()
        .When(m => m[X].Shape()!.Equals(m[Z].Shape())).To(m => Again(m, m[X], m[Z])))
{
    static readonly Var X = new("x"), Z = new("z"), Y = new("y");

    /// <inheritdoc/>
    public override string Name => "sink-rows";

    /// <inheritdoc/>
    public override string Summary => "f(rows(x)) ⇒ rows(f(x))";

    static Pattern Rows(Var x) => Op("Reshape", x, Any).When(IsRows, "it does not make rows") | Op("Flatten", x).When(IsRows, "it does not make rows");

    static Pattern AnyOf(Pattern[] patterns) => patterns.Aggregate((a, b) => a | b);

    static bool IsRows(Node node) => node.Input(0).Shape() is { Rank: > 2 } from && node.Result.Shape() is { Rank: 2 } to
        && to[1] == from[-1] && to[1].Constant is > 0;

    static bool IsVector(Match m) => m[Z].Constant is { } z && (z.Count == 1 || z.Rank == 1) && z.Rank <= m[X].Shape()!.Rank && m[Y].Shape()?.Rank == 2;

    /// <summary>The same operator on what the rows were made of, and rows of its result.</summary>
    static Wire Again(PatchBuilder m, params Wire[] operands)
    {
        var node = m.Match.NodeOf(Y);
        var (from, to) = (m[X].Type!.Shape!, m[Y].Type!);
        var width = to.Shape![1];
        var result = m.Op(node.OpType, operands).OfType(to with { Shape = new TensorShape([.. from.Take(from.Rank - 1), width]) });
        foreach (var (name, value) in node.Attributes)
            result.With(name, value);
        return m.Op("Reshape", result, m.Constant(Tensor.Vector(-1L, width.Constant!.Value)));
    }
}
