using OnnxEff.Ir;
using OnnxEff.Rewriting;
using static OnnxEff.Rewriting.Pattern;

namespace OnnxEff.GraphPasses.Normalise;

/// <summary>
/// Gemm(a, b, c) ⇒ α·(a·b) + β·c.
/// 1. Gemm: its transpositions, factors and its sum become operators of their own.
/// 2. com.microsoft.FusedMatMul, which ONNX Runtime's optimizer writes: the same. Left alone: one that transposes batches.
/// </summary>
public sealed class PlainProducts() : RulePass(
    Rewrite.Named("plain-gemm").Match(Op("Gemm", A, B, C.Optional()).With("transA", TransA).With("transB", TransB).With("alpha", Alpha).With("beta", Beta).As(Y))
        .To(FromGemm),
    Rewrite.Named("plain-fused-matmul").Match(Op("FusedMatMul", A, B).In("com.microsoft").With("transA", TransA).With("transB", TransB).With("alpha", Alpha)
            .With("transBatchA", 0, absent: 0).With("transBatchB", 0, absent: 0).As(Y))
        .When(m => HasMatrix(m[A]) && HasMatrix(m[B])).To(Product))
{
    static readonly Var A = new("a"), B = new("b"), C = new("c"), Y = new("y");
    static readonly AttrVar<long> TransA = new("transA", 0), TransB = new("transB", 0);
    static readonly AttrVar<float> Alpha = new("alpha", 1f), Beta = new("beta", 1f);

    /// <inheritdoc/>
    public override string Name => "plain-products";

    /// <inheritdoc/>
    public override string Summary => "Gemm(a, b, c) ⇒ α·(a·b) + β·c";

    /// <inheritdoc/>
    public override Exactness Exactness => Exactness.Reassociates;

    static Wire FromGemm(PatchBuilder m)
    {
        var product = Product(m);
        return m.Try(C) is not { } c ? product : m.Op("Add", product.OfType(m[Y].Type), Times(m, c, m[C].Type, m.Get(Beta)));
    }

    static Wire Product(PatchBuilder m)
    {
        var a = m.Get(TransA) != 0 ? Swapped(m, m[A]) : m[A];
        var b = m.Get(TransB) != 0 ? Swapped(m, m[B]) : m[B];
        return Times(m, m.Op("MatMul", a, b).OfType(m[Y].Type), m[Y].Type, m.Get(Alpha));
    }

    static Wire Times(PatchBuilder m, Wire x, TensorType? type, float factor) => factor == 1 ? x
        : m.Op("Mul", x, m.Constant(Constants.Scalar(factor, m[A].Element()))).OfType(type);

    static Wire Swapped(PatchBuilder m, Value matrix)
    {
        var rank = matrix.Shape()?.Rank ?? 2; // A Gemm has no other.
        long[] perm = [.. Enumerable.Range(0, rank - 2).Select(i => (long)i), rank - 1, rank - 2];
        return m.Op("Transpose", matrix).With("perm", perm)
            .OfType(matrix.Type is { Shape: { } shape } type ? type with { Shape = new TensorShape(perm.Select(i => shape[(int)i])) } : matrix.Type);
    }

    static bool HasMatrix(Value value) => value.Shape() is { Rank: >= 2 };
}
