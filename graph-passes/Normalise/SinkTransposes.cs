using OnnxEff.Ir;
using OnnxEff.Ops.Onnx;
using OnnxEff.Rewriting;
using static OnnxEff.Rewriting.Pattern;

namespace OnnxEff.GraphPasses.Normalise;

/// <summary>
/// f(Transpose(x)) ⇒ Transpose(f(x)).
/// 1. Functions of each element; also of two values transposed alike, or with a second operand that has size 1 on all axes that move.
///    A second operand that is broadcast and transposed in another way, or constant, is given the axes of the first.
/// 2. Reductions and norms along the last axis, where that stays the last.
/// 3. c·x behind Transpose, see <see cref="MergeFactors"/>; where a Transpose moves on, its factor goes with it.
/// 4. (bᵀ·aᵀ)ᵀ ⇒ a·b for the last two axes, if at least one operand is a Transpose that then cancels.
/// 5. Transpose(f(a·b, z)) ⇒ f(Transpose(a·b), Transpose(z)): a Transpose of a product of two computed operands stays at it.
/// Those that meet on the way become one. Left alone: one that something else reads as it is: it would be needed twice.
/// </summary>
public sealed class SinkTransposes() : RulePass(
    CancelViews.Transposes, MergeFactors.BehindMoves,
    Rewrite.Named("transpose-behind-function").Match(AnyOf(Elementwise.OfOne.Select(op => Op(op, X.Pattern))).As(Y)).KeepsInner()
        .When(m => IsFree(m)).To(m => Again(m, X.Before(m))),
    Rewrite.Named("transpose-behind-both").Match(AnyOf(Elementwise.OfTwo.Select(op => Op(op, X.Pattern, Z.Pattern))).As(Y)).KeepsInner()
        .When(m => IsFree(m) && Z.IsFree(m) && X.Perm(m).AsSpan().SequenceEqual(Z.Perm(m))).To(m => Again(m, X.Before(m), Z.Before(m))),
    Rewrite.Named("transpose-behind-broadcast").Match(AnyOf(Elementwise.OfTwo.Select(op => Op(op, X.Pattern, Z.Pattern))).As(Y)).KeepsInner()
        .When(m => IsFree(m) && X.Of(m).Shape()!.Equals(m[Y].Shape()) && Z.Of(m).Shape() is { } shape
            && shape.Rank == X.Perm(m).Length && !shape.Equals(m[Y].Shape()))
        .To(m => Again(m, X.Before(m), m.Op("Transpose", Z.Of(m.Match)).With("perm", Inverse(X.Perm(m.Match))))),
    Rewrite.Named("transpose-behind-constant").Match(AnyOf(Elementwise.OfTwo.Select(op => Op(op, X.Pattern, Vector))).As(Y)).KeepsInner()
        .When(m => IsFree(m) && X.Of(m).Shape()!.Equals(m[Y].Shape())
            && m[Vector].Constant is { Strings: null, Count: > 1, Data.Length: <= FoldConstants.SmallBytes } && !StaysPut(m, Vector))
        .To(m => Again(m, X.Before(m), m.Op("Transpose", m.Constant(OfRank(m[Vector].Constant!, X.Perm(m.Match).Length))).With("perm", Inverse(X.Perm(m.Match))))),
    Rewrite.Named("transpose-behind-left").Match(AnyOf(Elementwise.OfTwo.Select(op => Op(op, X.Pattern, Other))).As(Y)).KeepsInner()
        .When(m => IsFree(m) && StaysPut(m, Other)).To(m => Again(m, X.Before(m), m[Other])),
    Rewrite.Named("transpose-behind-right").Match(AnyOf(Elementwise.OfTwo.Select(op => Op(op, Other, X.Pattern))).As(Y)).KeepsInner()
        .When(m => IsFree(m) && StaysPut(m, Other)).To(m => Again(m, m[Other], X.Before(m))),
    Rewrite.Named("transpose-behind-last-axis").Match(AnyOf(AlongLast.Select(op => Op(op, X.Pattern).AllowMoreInputs())).As(Y)).KeepsInner()
        .When(m => IsFree(m) && KeepsLast(m) && IsAlongLast(m)).To(m => Again(m, [X.Before(m), .. m.Match.NodeOf(Y).Inputs.Skip(1).Select(i => (Wire)i!)])),
    Rewrite.Named("transposed-product").Match(Op("Transpose", Op("MatMul", A, B).As(Product))
            .When(n => Facts.Permutation(n) is { Length: >= 2 }, "its permutation is not known").As(Y)).KeepsInner()
        .When(IsTransposedProduct).To(Untransposed),
    Rewrite.Named("transpose-at-product").Match(Op("Transpose",
            AnyOf([.. Elementwise.OfOne.Select(op => Op(op, A)), .. Elementwise.OfTwo.Select(op => Op(op, A, B))]).As(Function)).As(Y))
        .KeepsInner().When(StaysAtProduct).To(Earlier))
{
    static readonly string[] AlongLast = ["ReduceMean", "ReduceSum", "ReduceMax", "LayerNormalization", "RMSNormalization", "SimplifiedLayerNormalization", "Softmax"];
    static readonly MovedOperand X = new("x"), Z = new("z");
    static readonly Var Y = new("y"), Other = new("other"), A = new("a"), B = new("b"), Product = new("a·b"), Function = new("f(a)");
    static readonly Const Vector = new("vector");

    /// <inheritdoc/>
    public override string Name => "sink-transposes";

    /// <inheritdoc/>
    public override string Summary => "f(Transpose(x)) ⇒ Transpose(f(x))";

    static Pattern AnyOf(IEnumerable<Pattern> patterns) => patterns.Aggregate((a, b) => a | b);

    static bool IsFree(Match m) => X.IsFree(m) && m[Y].Shape()?.Rank == X.Perm(m).Length;

    /// <summary>The other operand has size 1 on all axes that move. Not a factor, which <see cref="MergeFactors"/> moves behind.</summary>
    static bool StaysPut(Match m, Var second)
    {
        if (m[second].Shape() is not { } other || (m[second].Constant is { Count: 1 } && m.NodeOf(Y).OpType is "Mul" or "Div"))
            return false;
        var perm = X.Perm(m);
        for (var i = 1; i <= other.Rank; i++)
        {
            if (i > perm.Length || (perm[^i] != perm.Length - i && other[-i] != Dim.One))
                return false;
        }
        return true;
    }

    static Tensor OfRank(Tensor constant, int rank) => constant.Reshape([.. Enumerable.Repeat(1L, rank - constant.Rank), .. constant.Dims]);

    static bool KeepsLast(Match m) => X.Perm(m) is var perm && perm[^1] == perm.Length - 1;

    static bool IsAlongLast(Match m)
    {
        var (node, rank) = (m.NodeOf(Y), X.Perm(m).Length);
        if (node.OpType.StartsWith("Reduce", StringComparison.Ordinal))
            return node.Int("keepdims", 1) != 0 && Axes.Of(node) is [var axis] && (axis == -1 || axis == rank - 1);
        return node.Outputs.Count == 1 && node.Inputs.All(i => i is not null) && (node.Int("axis", -1) == -1 || node.Int("axis") == rank - 1);
    }

    static Wire Again(PatchBuilder m, params Wire[] operands)
    {
        var (node, perm, type) = (m.Match.NodeOf(Y), X.Perm(m.Match), m[Y].Type!);
        var result = m.Op(node.OpType, operands).OfType(type with { Shape = new TensorShape(Inverse(perm).Select(i => type.Shape![(int)i])) });
        foreach (var (name, value) in node.Attributes)
            result.With(name, name == "axis" ? -1 : value);
        return m.Op("Transpose", result).With("perm", perm);
    }

    static long[] Inverse(long[] perm) => [.. Enumerable.Range(0, perm.Length).Select(i => (long)Array.IndexOf(perm, i))];

    static bool IsTransposedProduct(Match m)
    {
        var perm = Facts.Permutation(m.NodeOf(Y))!;
        return perm[^1] == perm.Length - 2 && m[Product] is { Uses.Count: 1, IsOutput: false } && m[A].Shape()?.Rank == perm.Length && m[B].Shape()?.Rank == perm.Length
            && (IsSwapped(m[A]) || IsSwapped(m[B]));
    }

    static bool IsSwapped(Value value)
    {
        while (value.Producer is { Domain: "" } factor && factor.OpType is "Mul" or "Div" && factor.Input(1)?.Constant is { Count: 1 })
            value = factor.Input(0)!;
        return value.Producer is { } node && node.Is("Transpose") && Facts.Permutation(node) is { } perm && perm[^2] == perm.Length - 1;
    }

    /// <summary>Transpose(a·b, p) = Transpose(bᵀ·aᵀ, p without the swap of the last two).</summary>
    static Wire Untransposed(PatchBuilder m)
    {
        var perm = Facts.Permutation(m.Match.NodeOf(Y))!;
        long[] rest = [.. perm.Select(p => p == perm.Length - 1 ? perm.Length - 2 : p == perm.Length - 2 ? perm.Length - 1 : p)];
        var product = m.Op("MatMul", Swapped(m, m[B]), Swapped(m, m[A])).OfType(SwappedType(m[Product].Type!));
        return rest.Select((p, i) => p == i).All(stays => stays) ? product : m.Op("Transpose", product).With("perm", rest);
    }

    static Wire Swapped(PatchBuilder m, Value value)
    {
        long[] swap = [.. Enumerable.Range(0, value.Shape()!.Rank).Select(i => (long)i)];
        (swap[^1], swap[^2]) = (swap[^2], swap[^1]);
        return m.Op("Transpose", value).With("perm", swap).OfType(SwappedType(value.Type!));
    }

    static TensorType SwappedType(TensorType type)
    {
        Dim[] dims = [.. type.Shape!];
        (dims[^1], dims[^2]) = (dims[^2], dims[^1]);
        return type with { Shape = new TensorShape(dims) };
    }

    static bool StaysAtProduct(Match m)
    {
        if (m[Function] is not { Uses.Count: 1, IsOutput: false } || Facts.Permutation(m.NodeOf(Y)) is not { } perm)
            return false;
        var operands = m.NodeOf(Function).Inputs;
        return operands.Any(i => MovedOperand.IsOfProduct(i!)) && operands.All(i => i.Shape()?.Rank == perm.Length || i!.Constant is { Count: 1 });
    }

    /// <summary>f(Transpose(a), Transpose(b)) in place of Transpose(f(a, b)).</summary>
    static Wire Earlier(PatchBuilder m)
    {
        var (node, perm) = (m.Match.NodeOf(Function), Facts.Permutation(m.Match.NodeOf(Y))!);
        var result = m.Op(node.OpType, [.. node.Inputs.Select(i => Moved(i!))]);
        foreach (var (name, value) in node.Attributes)
            result.With(name, value);
        return result;

        Wire Moved(Value operand) => operand.Constant is { Count: 1 } ? operand : m.Op("Transpose", operand).With("perm", perm)
            .OfType(operand.Type! with { Shape = new TensorShape(perm.Select(p => operand.Type.Shape![(int)p])) });
    }
}
