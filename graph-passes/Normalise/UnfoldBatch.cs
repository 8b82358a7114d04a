using OnnxEff.Ir;
using OnnxEff.Rewriting;
using static OnnxEff.Rewriting.Pattern;

namespace OnnxEff.GraphPasses.Normalise;

/// <summary>
/// Heads that are folded into the batch, [B·H, S, D], are unfolded: fold stands for Reshape from [B, H, m, n] to [B·H, m, n].
/// 1. MatMul(fold(a), fold(b)) ⇒ fold(MatMul(a, b)) for equal B and H.
/// 2. Transpose(fold(x), [0, 2, 1]) ⇒ fold(Transpose(x, [0, 1, 3, 2])).
/// 3. f(fold(x)) ⇒ fold(f(x)) for element-wise f with constant numbers, casts, and a softmax along the last axis.
/// 4. Add(fold(x), y) ⇒ fold(Add(x, unfold(y))), also for other binary operators.
/// Left alone: a number of heads that is not known.
/// </summary>
public sealed class UnfoldBatch() : RulePass(
    Rewrite.Named("unfold-product").Match(Op("MatMul", Folded(X, A), Folded(Z, B)).As(Y)).When(IsOneBatch, "they are folded from different batches")
        .Keeps(A, B).To(m => Fold(m, m.Op("MatMul", m[X], m[Z]).OfType(Unfolded(m, m[Y])))),
    Rewrite.Named("unfold-transpose").Match(Op("Transpose", Folded(X, A)).With("perm", Swap).As(Y))
        .Keeps(A).To(m => Fold(m, m.Op("Transpose", m[X]).With("perm", (long[])[0, 1, 3, 2]).OfType(Unfolded(m, m[Y])))),
    Rewrite.Named("unfold-unary").Match((Unary("Cast") | Unary("Neg") | Unary("Tanh") | Unary("Sqrt") | Unary("IsNaN") | Unary("Softmax").When(IsLastAxis, "it runs along another axis")).As(Y))
        .Keeps(A).To(m => Fold(m, Copy(m, m[X]))),
    Rewrite.Named("unfold-left").Match((Left("Add") | Left("Sub") | Left("Mul") | Left("Div")).As(Y))
        .When(IsUnfoldable, "the other operand cannot be unfolded").Keeps(A).To(m => Fold(m, Copy(m, m[X], Unfold(m, m[Z])))),
    Rewrite.Named("unfold-right").Match((Right("Add") | Right("Sub") | Right("Mul") | Right("Div")).As(Y))
        .When(IsUnfoldable, "the other operand cannot be unfolded").Keeps(A).To(m => Fold(m, Copy(m, Unfold(m, m[Z]), m[X]))))
{
    static readonly Var X = new("x"), Z = new("z"), Y = new("y"), A = new("folded"), B = new("folded₂");
    static readonly long[] Swap = [0, 2, 1];

    /// <inheritdoc/>
    public override string Name => "unfold-batch";

    /// <inheritdoc/>
    public override string Summary => "f(fold(x)) ⇒ fold(f(x)) for heads folded into the batch";

    static Pattern Folded(Var x, Var folded) => Op("Reshape", x, Any).When(IsFold, "it folds no heads into the batch").As(folded);

    static OpPattern Unary(string op) => Op(op, Folded(X, A));

    static OpPattern Left(string op) => Op(op, Folded(X, A), Z);

    static OpPattern Right(string op) => Op(op, Z, Folded(X, A));

    static bool IsFold(Node node) => node.Input(0).Shape() is { Rank: 4 } from && node.Result.Shape() is { Rank: 3 } to
        && from[1].Constant is not null && to[0] == from[0] * from[1] && to[1] == from[2] && to[2] == from[3];

    static bool IsOneBatch(Match m) => m[X].Shape() is { } x && m[Z].Shape() is { } z && x[0] == z[0] && x[1] == z[1];

    static bool IsLastAxis(Node node) => node.Int("axis", -1) is -1 or 2;

    /// <summary>A number, or [1 or B·H, …, …].</summary>
    static bool IsUnfoldable(Match m) => m[Z].Constant is { Count: 1 }
        || (m[Z].Shape() is { Rank: 3 } z && (z[0] == Dim.One || z[0] == m[A].Shape()![0]));

    static TensorType Unfolded(PatchBuilder m, Value folded)
    {
        var (x, y) = (m[X].Type!.Shape!, folded.Type?.Shape);
        return new(folded.Type?.Element ?? m[X].Type!.Element, y is null ? null : new TensorShape(x[0], x[1], y[1], y[2]));
    }

    static Wire Copy(PatchBuilder m, params Wire[] operands)
    {
        var node = m.Match.NodeOf(Y);
        var copy = m.Op(node.OpType, operands);
        foreach (var (name, value) in node.Attributes)
            copy.With(name, name == "axis" ? -1 : value);
        return copy.OfType(Unfolded(m, m[Y]));
    }

    static Wire Unfold(PatchBuilder m, Value other)
    {
        if (other.Constant is { Count: 1 })
            return other;
        var (shape, type) = (other.Type!.Shape!, other.Type.Element);
        var apart = m.Op("Unsqueeze", other, m.Constant(Tensor.Vector(1L))).OfType(new TensorType(type, new TensorShape(shape[0], 1, shape[1], shape[2])));
        if (shape[0] == Dim.One)
            return apart;
        var x = m[X].Type!.Shape!;
        return m.Op("Reshape", apart, m.Constant(Tensor.Vector(-1L, x[1].Constant!.Value, 0L, 0L)))
            .OfType(new TensorType(type, new TensorShape(x[0], x[1], shape[1], shape[2])));
    }

    /// <summary>Two dimensions of the target are read off the value: only one could be −1.</summary>
    static Wire Fold(PatchBuilder m, Wire unfolded)
    {
        Wire Ints(params long[] values) => m.Constant(Tensor.Vector<long>(values));
        var shape = m.Op("Shape", unfolded).OfType(new TensorType(ElementType.Int64, TensorShape.Of(4)));
        var last = m.Op("Slice", shape, Ints(2), Ints(4)).OfType(new TensorType(ElementType.Int64, TensorShape.Of(2)));
        var target = m.Op("Concat", Ints(-1), last).With("axis", 0).OfType(new TensorType(ElementType.Int64, TensorShape.Of(3)));
        return m.Op("Reshape", unfolded, target);
    }
}
