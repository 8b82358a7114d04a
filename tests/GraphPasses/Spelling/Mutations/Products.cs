using OnnxEff.Ir;

namespace OnnxEff.Tests.GraphPasses.Spelling.Mutations;

/// <summary>x · w (+ b) ⇒ Reshape(Gemm(Reshape(x), w, b)).</summary>
public sealed class ProductAsGemm : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node)
    {
        var product = node.Is("Add") ? node.Inputs.Select(i => i!.Producer).FirstOrDefault(IsLinear) : IsLinear(node) ? node : null;
        if (product is null || product.Input(0).Shape() is not { Rank: >= 2 } shape)
            return null;
        var bias = node == product ? null : node.Inputs.First(i => i!.Producer != product)!;
        if (bias is not null && bias.Constant is not { Rank: 1 })
            return null;
        var weight = product.Input(1)!;
        if (m.Shape([.. node.Result.Shape()!], [product.Input(0)!, .. m.Graph.Inputs.Where(i => i.Initializer is null)]) is not { } target)
            return null;
        return () =>
        {
            var rows = shape.Rank == 2 ? product.Input(0) : m.Flip(0.7) || m.Graph.Nodes.Count == 0 ? m.Op("Reshape", [product.Input(0), m.Ints(-1, weight.Constant!.Dims[0])])
                : m.Op("Flatten", [product.Input(0)], ("axis", (long)shape.Rank - 1));
            var transposed = m.Flip();
            var gemm = m.Op("Gemm", [rows, transposed ? m.Const(weight.Constant!.Transposed()) : weight, .. bias is null ? (Value?[])[] : [bias]],
                ("transB", transposed ? 1L : 0L));
            if (m.Flip())
                (gemm.Producer!).SetAttribute("alpha", 1f);
            return shape.Rank == 2 ? gemm : m.Op("Reshape", [gemm, target]);
        };
    }

    static bool IsLinear(Node? node) => node?.Is("MatMul") == true && node.Input(1)!.Constant is { Rank: 2 } && node.Input(0).IsSingle();
}

/// <summary>A product, with the transpositions of its operands and its result ⇒ Einsum.</summary>
public sealed class ProductAsEinsum : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node)
    {
        var outer = Permutations.Of(node);
        var product = outer is null ? node : node.Input(0)!.Producer;
        if (product?.Is("MatMul") != true || !product.Result.IsSingle() || product.Input(0).Shape() is not { Rank: >= 2 } a || product.Input(1).Shape() is not { Rank: >= 2 } b
            || product.Result.Shape() is not { } result)
            return null;
        if (b.Rank > a.Rank || (b.Rank > 2 && (b.Rank != a.Rank || a.Take(a.Rank - 2).Zip(b).Any(p => p.First != p.Second))))
            return null;
        var labels = "bcdefghij"[..(a.Rank - 2)];
        var (left, right) = ($"{labels}mk", $"{(b.Rank > 2 ? labels : "")}kn");
        var y = $"{labels}mn";
        var (x, w) = (product.Input(0)!, product.Input(1)!);
        if (Permutations.Of(x.Producer) is { } p && m.Flip())
            (x, left) = (x.Producer!.Input(0)!, Before(left, p));
        if (Permutations.Of(w.Producer) is { } q && m.Flip(0.8))
            (w, right) = (w.Producer!.Input(0)!, Before(right, q));
        if (outer is not null)
            y = string.Concat(outer.Select(i => y[(int)i]));
        return m.Flip() ? () => m.Op("Einsum", [x, w], ("equation", $"{left},{right}->{y}"))
            : () => m.Op("Einsum", [w, x], ("equation", $"{right}, {left} -> {y}"));
    }

    /// <summary>The labels of a tensor whose transposition has these.</summary>
    static string Before(string labels, long[] perm) => string.Concat(Permutations.Inverse(perm).Select(i => labels[(int)i]));
}

/// <summary>Split heads, a linear layer before them ⇒ one Einsum with a weight of three axes.</summary>
public sealed class HeadsByEinsum : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node)
    {
        if (!node.Is("Reshape") || node.Input(0)!.Producer is not { OpType: "MatMul" } product || !product.Result.IsSingle()
            || product.Input(1)!.Constant is not { Rank: 2 } weight || product.Input(0).Shape()?.Rank != 3
            || node.Result.Shape() is not { Rank: 4 } to || to[2].Constant is not { } heads || to[3].Constant is not { } size || heads * size != weight.Dims[1])
            return null;
        return () => m.Op("Einsum", [product.Input(0), m.Const(weight.Reshape(weight.Dims[0], heads, size))], ("equation", "bsd,dhe->bshe"));
    }
}
