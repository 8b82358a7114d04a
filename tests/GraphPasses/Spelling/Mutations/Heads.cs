using OnnxEff.Ir;

namespace OnnxEff.Tests.GraphPasses.Spelling.Mutations;

/// <summary>
/// [B, H, T, D] > [B, H, 1, T, D] > [B, H, n, T, D] > [B, H·n, T, D] ⇒ the same by Tile, by joined copies, by an index for each copy.
/// </summary>
public sealed class RepetitionSpelled : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node)
    {
        if (!node.Is("Reshape") || node.Input(0)!.Producer is not { OpType: "Expand" or "Tile" } expand
            || expand.Input(0)!.Producer is not { OpType: "Unsqueeze" or "Reshape" } apart || apart.Input(0) is not { } x
            || x.Shape() is not { Rank: 4 } from || apart.Result.Shape() is not { Rank: 5 } one || expand.Result.Shape() is not { Rank: 5 } many)
            return null;
        var axis = Enumerable.Range(1, 3).FirstOrDefault(i => one[i] == Dim.One && one[i - 1] == from[i - 1] && many[i].Constant > 1
            && from.Take(i).Concat(from.Skip(i)).SequenceEqual(one.Where((_, k) => k != i)));
        if (axis == 0 || many[axis].Constant is not { } copies || from[axis - 1].Constant is not { } heads || node.Result.Shape()?[axis - 1].Constant != heads * copies)
            return null;
        var repeats = Enumerable.Repeat(1L, 5).Select((r, i) => i == axis ? copies : r).ToArray();
        long[] index = [.. Enumerable.Range(0, (int)(heads * copies)).Select(i => i / copies)];
        return () => m.OneOf<Func<Value>>(
            () => m.Op("Reshape", [m.Op("Tile", [apart.Result, m.Ints(repeats)]), node.Input(1)]),
            () => m.Op("Reshape", [m.Op("Expand", [apart.Result, m.Ints(repeats)]), node.Input(1)]),
            () => m.Op("Reshape", [m.Op("Concat", [.. Enumerable.Repeat((Value?)apart.Result, (int)copies)], ("axis", m.OneOf<long>(axis, axis - 5))), node.Input(1)]),
            () => m.Op("Gather", [x, m.Ints(index)], ("axis", m.OneOf<long>(axis - 1, axis - 5))),
            () => m.Op("Concat", [.. index.Select(i => (Value?)m.Slice(x, axis - 1, i, i + 1))], ("axis", (long)axis - 1)))();
    }
}

/// <summary>Repetition of tokens-first heads ⇔ of heads-first ones: Transpose(repeat(x)) ⇔ repeat(Transpose(x)), the repetition as a Gather.</summary>
public sealed class RepetitionPastTranspose : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node)
    {
        if (node.Is("Gather") && Permutations.Of(node.Input(0)!.Producer) is { } inner && node.Input(1)!.Constant is { Rank: 1 })
        {
            var axis = inner[(int)((node.Int("axis") + inner.Length) % inner.Length)];
            return () => m.Transpose(m.Op("Gather", [node.Input(0)!.Producer!.Input(0), node.Input(1)], ("axis", axis)), inner);
        }
        if (Permutations.Of(node) is not { } perm || node.Input(0)!.Producer is not { OpType: "Gather" } gather || gather.Input(1)!.Constant is not { Rank: 1 })
            return null;
        var to = Array.IndexOf(perm, (gather.Int("axis") + perm.Length) % perm.Length);
        return () => m.Op("Gather", [m.Transpose(gather.Input(0)!, perm), gather.Input(1)], ("axis", (long)to));
    }
}

/// <summary>x·cos + (−x₂, x₁)·sin ⇒ (x₁·cos − x₂·sin, x₂·cos + x₁·sin).</summary>
public sealed class RotationOfHalves : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node)
    {
        if (!node.Is("Add"))
            return null;
        foreach (var (a, b) in ((Value, Value)[])[(node.Input(0)!, node.Input(1)!), (node.Input(1)!, node.Input(0)!)])
        {
            if (a.Producer is not { OpType: "Mul" } straight || b.Producer is not { OpType: "Mul" } turned)
                continue;
            foreach (var side in (int[])[0, 1])
            {
                if (turned.Input(side)!.Producer is not { OpType: "Concat" } join || join.Inputs.Count != 2 || join.Input(0)!.Producer is not { OpType: "Neg" } neg)
                    continue;
                var (low, high) = (join.Input(1)!, neg.Input(0)!);
                foreach (var own in (int[])[0, 1])
                {
                    if (straight.Input(own) is not { } x || low.Producer?.Input(0) != x || high.Producer?.Input(0) != x)
                        continue;
                    var (cos, sin) = (straight.Input(1 - own)!, turned.Input(1 - side)!);
                    if (cos.Shape()?[-1].Constant is not { } width || sin.Shape()?[-1].Constant != width || width % 2 != 0 || x.Shape()?[-1].Constant != width)
                        continue;
                    return () => Halves(m, low, high, cos, sin, width, x.Shape()!.Rank - 1);
                }
            }
        }
        return null;
    }

    // The tables hold each angle twice, so the first half serves both.
    static Value Halves(Manuscript m, Value low, Value high, Value cos, Value sin, long width, long axis)
    {
        var (c, s) = (m.Slice(cos, -1, 0, width / 2), m.Slice(sin, -1, 0, width / 2));
        Value Mul(Value a, Value b) => m.Op("Mul", [a, b]);
        return m.Op("Concat", [m.Op("Sub", [Mul(low, c), Mul(high, s)]), m.Op("Add", [Mul(high, c), Mul(low, s)])], ("axis", m.OneOf(axis, -1)));
    }
}

/// <summary>rotate(s·x) ⇔ s·rotate(x): a factor of queries before or behind their rotation.</summary>
public sealed class FactorPastRotation : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node)
    {
        // s·(x·cos + t(x)·sin) ⇒ (s·x)·cos + t(s·x)·sin, with every reader of x in the rotation.
        if (FactorPastProduct.Factor(node.Result) is not var (sum, factor) || sum.Producer is not { OpType: "Add" } add || sum.Uses.Count != 1)
            return null;
        foreach (var (a, b) in ((Value, Value)[])[(add.Input(0)!, add.Input(1)!), (add.Input(1)!, add.Input(0)!)])
        {
            if (a.Producer is not { OpType: "Mul" } straight || b.Producer is not { OpType: "Mul" } turned)
                continue;
            var join = turned.Inputs.Select(i => i!.Producer).FirstOrDefault(p => p?.Is("Concat") == true);
            if (join?.Inputs is not [{ Producer: { OpType: "Neg" } neg }, { Producer: { } low }] || neg.Input(0)!.Producer is not { } high)
                continue;
            if (straight.Inputs.FirstOrDefault(i => i == low.Input(0) && i == high.Input(0)) is not { } x
                || x.Uses.Any(u => u.Node != straight && u.Node != low && u.Node != high))
                continue;
            return () =>
            {
                Use[] uses = [.. x.Uses];
                var scaled = m.Op("Mul", [x, m.Number(factor, ElementType.Float32)]);
                foreach (var use in uses)
                    use.Node.SetInput(use.Index, scaled);
                return m.Op("Identity", [sum]);
            };
        }
        return null;
    }
}
