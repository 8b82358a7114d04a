using OnnxEff.Ir;

namespace OnnxEff.Tests.GraphPasses.Spelling.Mutations;

/// <summary>(s·a)·b ⇔ a·(s·b) ⇔ s·(a·b) for a product of two computed operands: a factor of queries, keys or logits.</summary>
public sealed class FactorPastProduct : NodeMutation
{
    protected override Action? At(Manuscript m, Node node)
    {
        if (!node.Is("MatMul") || node.Inputs.Any(IsWeight))
            return null;
        var slot = m.Random.Next(2);
        var target = m.Random.Next(2);
        if (Factor(node.Input(slot)!) is var (inner, factor))
        {
            return m.Flip()
                ? () => Manuscript.Replace(node.Result, Scale(m, m.Op("MatMul", [slot == 0 ? inner : node.Input(0), slot == 1 ? inner : node.Input(1)]), factor))
                : () =>
                {
                    node.SetInput(slot, inner);
                    node.SetInput(1 - slot, Scale(m, node.Input(1 - slot)!, factor));
                };
        }
        if (node.Result.Uses is [{ Node: var reader }] && !node.Result.IsOutput && Factor(reader.Result) is var (product, after) && product == node.Result)
        {
            return () =>
            {
                Value?[] operands = [.. node.Inputs];
                if (after > 0 && m.Flip())
                    operands = [Scale(m, operands[0]!, Math.Sqrt(after)), Scale(m, operands[1]!, Math.Sqrt(after))];
                else
                    operands[target] = Scale(m, operands[target]!, after);
                Manuscript.Replace(reader.Result, m.Op("MatMul", operands));
            };
        }
        return null;
    }

    // A factor of a weight would make another weight.
    static bool IsWeight(Value? value) => value!.Constant is not null || value.Producer?.Inputs.All(i => i is null || IsWeight(i)) == true;

    static Value Scale(Manuscript m, Value x, double factor)
    {
        var element = x.Type?.Element ?? ElementType.Float32;
        return m.OneOf<Func<Value>>(
            () => m.Op("Mul", [x, m.Number(factor, element)]),
            () => m.Op("Mul", [m.Number(factor, element), x]),
            () => m.Op("Div", [x, m.Number(1 / factor, element)]))();
    }

    /// <summary>The operand and the factor if a value is a product with a number.</summary>
    internal static (Value Inner, double Factor)? Factor(Value value) => !value.IsSingle() ? null : value.Producer switch
    {
        { OpType: "Mul" } n when n.Input(1).Scalar() is { } c && n.Input(1)!.Constant!.Rank == 0 => (n.Input(0)!, c),
        { OpType: "Mul" } n when n.Input(0).Scalar() is { } c && n.Input(0)!.Constant!.Rank == 0 => (n.Input(1)!, c),
        { OpType: "Div" } n when n.Input(1).Scalar() is { } c && n.Input(1)!.Constant!.Rank == 0 => (n.Input(0)!, 1 / c),
        _ => null,
    };
}

/// <summary>s·move(x) ⇔ move(s·x) for an operator that moves elements.</summary>
public sealed class FactorPastMove : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node)
    {
        if (FactorPastProduct.Factor(node.Result) is var (moved, factor) && moved.Producer is { Domain: "" } move && Moves(move))
            return () => Elementwise.Copy(m, move, m.Op("Mul", [move.Input(0), m.Number(factor, ElementType.Float32)]));
        return Moves(node) && FactorPastProduct.Factor(node.Input(0)!) is var (x, inner)
            ? () => m.Op("Mul", [Elementwise.Copy(m, node, x), m.Number(inner, ElementType.Float32)]) : null;
    }

    static bool Moves(Node node) => node.OpType is "Transpose" or "Reshape" or "Unsqueeze" or "Slice" or "Expand";
}
