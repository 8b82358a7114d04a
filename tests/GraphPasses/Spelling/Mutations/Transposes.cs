using OnnxEff.Ir;

namespace OnnxEff.Tests.GraphPasses.Spelling.Mutations;

/// <summary>Permutations of axes.</summary>
static class Permutations
{
    public static long[]? Of(Node? node) => node?.Is("Transpose") != true ? null : node.Ints("perm")
        ?? (node.Input(0).Shape() is { } shape ? [.. Enumerable.Range(1, shape.Rank).Select(i => (long)(shape.Rank - i))] : null);

    public static long[] Inverse(long[] perm) => [.. Enumerable.Range(0, perm.Length).Select(i => (long)Array.IndexOf(perm, i))];

    /// <summary>The permutation that is inner, then outer.</summary>
    public static long[] Compose(long[] inner, long[] outer) => [.. outer.Select(axis => inner[axis])];

    public static long[] Random(Manuscript m, int rank) => m.Shuffle(Enumerable.Range(0, rank).Select(i => (long)i));
}

/// <summary>Transpose(f(x, …)) ⇒ f(Transpose(x), Transpose(…)).</summary>
public sealed class TransposeTowardsInputs : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node)
    {
        if (Permutations.Of(node) is not { } perm || node.Input(0)!.Producer is not { } inner)
            return null;
        if (Elementwise.IsOfOneOperand(inner))
            return () => Elementwise.Copy(m, inner, m.Transpose(inner.Input(0)!, perm));
        if (!Elementwise.IsOfTwo(inner) || inner.Inputs.Any(i => i.Shape() is null))
            return null;
        return () => Elementwise.Copy(m, inner, [.. inner.Inputs.Select(i => Operand(m, i!, perm))]);
    }

    static Value Operand(Manuscript m, Value operand, long[] perm)
    {
        var missing = perm.Length - operand.Shape()!.Rank;
        if (missing == perm.Length)
            return operand;
        return m.Transpose(missing == 0 ? operand : m.Unsqueeze(operand, [.. Enumerable.Range(0, missing).Select(i => (long)i)]), perm);
    }
}

/// <summary>f(Transpose(x), …) ⇒ Transpose(f(x, Transpose⁻¹(…))).</summary>
public sealed class TransposeTowardsOutputs : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node)
    {
        if (Permutations.Of(node.Input(0)?.Producer) is { } only && Elementwise.IsOfOneOperand(node))
            return () => m.Transpose(Elementwise.Copy(m, node, node.Input(0)!.Producer!.Input(0)), only);
        if (!Elementwise.IsOfTwo(node))
            return null;
        var (a, b) = (Permutations.Of(node.Input(0)!.Producer), Permutations.Of(node.Input(1)!.Producer));
        if ((a ?? b) is not { } perm || node.Inputs.Any(i => i.Shape()?.Rank != perm.Length))
            return null;
        var back = Permutations.Inverse(perm);
        return () => m.Transpose(Elementwise.Copy(m, node, [.. node.Inputs.Select(i => Permutations.Of(i!.Producer)?.SequenceEqual(perm) == true
            ? i.Producer!.Input(0) : m.Transpose(i, back))]), perm);
    }
}

/// <summary>Transpose(x) ⇒ Transpose(Transpose(x)).</summary>
public sealed class TransposeTwice : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node)
    {
        if (Permutations.Of(node) is not { } perm)
            return null;
        var first = Permutations.Random(m, perm.Length);
        return () => m.Transpose(m.Transpose(node.Input(0)!, first), Permutations.Compose(Permutations.Inverse(first), perm));
    }
}

/// <summary>Transpose(Transpose(x)) ⇒ Transpose(x); also one that is [0, 2, 1, 3] and then [0, 1, 3, 2].</summary>
public sealed class TransposesMerged : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node) =>
        Permutations.Of(node) is { } outer && Permutations.Of(node.Input(0)!.Producer) is { } inner
            ? () => m.Transpose(node.Input(0)!.Producer!.Input(0)!, Permutations.Compose(inner, outer)) : null;
}

/// <summary>x ⇒ Transpose(Transpose(x)) that cancel each other.</summary>
public sealed class TransposeThereAndBack : ValueMutation
{
    protected override Func<Value, Value>? Wrapper(Manuscript m, Value value)
    {
        if (value.Shape() is not { Rank: >= 2 } shape)
            return null;
        var perm = Permutations.Random(m, shape.Rank);
        return v => m.Transpose(m.Transpose(v, perm), Permutations.Inverse(perm));
    }
}

/// <summary>A swap of an axis of size 1 ⇒ Reshape.</summary>
public sealed class TransposeAsReshape : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node)
    {
        if (Permutations.Of(node) is not { } perm || node.Input(0).Shape() is not { } shape)
            return null;
        var moved = perm.Where(p => shape[(int)p] != Dim.One).ToArray();
        return moved.SequenceEqual(moved.Order()) && m.Shape([.. node.Result.Shape()!], node.Input(0)!) is { } target
            ? () => m.Op("Reshape", [node.Input(0), target]) : null;
    }
}

/// <summary>a · b ⇒ (bᵀ · aᵀ)ᵀ for products of two computed operands.</summary>
public sealed class ProductOfTransposed : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node)
    {
        if (!node.Is("MatMul") || node.Input(0).Shape() is not { Rank: >= 2 } a || node.Input(1).Shape() is not { } b || a.Rank != b.Rank
            || node.Inputs.Any(i => i!.Constant is not null))
            return null;
        long[] swap = [.. Enumerable.Range(0, a.Rank - 2).Select(i => (long)i), a.Rank - 1, a.Rank - 2];
        return () => m.Transpose(m.Op("MatMul", [m.Transpose(node.Input(1)!, swap), m.Transpose(node.Input(0)!, swap)]), swap);
    }
}
