using OnnxEff.Ir;

namespace OnnxEff.Tests.GraphPasses.Spelling.Mutations;

/// <summary>where(c, a, b) ⇒ where(¬c, b, a).</summary>
public sealed class WhereInverted : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node) => !node.Is("Where") ? null : () => m.Op("Where",
        [node.Input(0)!.Producer is { OpType: "Not" } not ? not.Input(0) : m.Op("Not", [node.Input(0)]), node.Input(2), node.Input(1)]);
}

/// <summary>a ≤ b ⇔ ¬(a > b) ⇔ b ≥ a, and the like.</summary>
public sealed class ComparisonSpelled : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node)
    {
        var (mirrored, opposite) = node.OpType switch
        {
            "Less" => ("Greater", "GreaterOrEqual"),
            "Greater" => ("Less", "LessOrEqual"),
            "LessOrEqual" => ("GreaterOrEqual", "Greater"),
            "GreaterOrEqual" => ("LessOrEqual", "Less"),
            _ => ("", ""),
        };
        if (mirrored.Length == 0)
            return null;
        return m.Flip() ? () => m.Op(mirrored, [node.Input(1), node.Input(0)]) : () => m.Op("Not", [m.Op(opposite, [node.Input(0), node.Input(1)])]);
    }
}

/// <summary>¬(a ∧ b) ⇔ ¬a ∨ ¬b.</summary>
public sealed class LogicByDeMorgan : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node) => node.OpType is not ("And" or "Or") ? null
        : () => m.Op("Not", [m.Op(node.Is("And") ? "Or" : "And", [m.Op("Not", [node.Input(0)]), m.Op("Not", [node.Input(1)])])]);
}

/// <summary>where(c, x, low) ⇔ x + where(c, 0, low): a mask that selects or is added.</summary>
public sealed class MaskSelectedOrAdded : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node)
    {
        if (!node.Result.IsSingle())
            return null;
        if (node.Is("Where") && node.Input(2).Scalar() < -1e30 && node.Input(1)!.Constant is null)
            return () => m.Op("Add", [node.Input(1), m.Op("Where", [node.Input(0), m.Number(0, ElementType.Float32), node.Input(2)])]);
        if (!node.Is("Add"))
            return null;
        foreach (var (x, mask) in ((Value, Value)[])[(node.Input(0)!, node.Input(1)!), (node.Input(1)!, node.Input(0)!)])
        {
            if (mask.Producer is { OpType: "Where" } where && where.Input(1).Scalar() == 0 && where.Input(2).Scalar() < -1e30)
                return () => m.Op("Where", [where.Input(0), x, where.Input(2)]);
        }
        return null;
    }
}

/// <summary>−∞ ⇔ the lowest finite number where a mask hides a key.</summary>
public sealed class MaskLowest : NodeMutation
{
    protected override Action? At(Manuscript m, Node node)
    {
        var slot = node.Is("Where") && node.Result.IsSingle() ? Array.FindIndex([1, 2], i => node.Input(i).Scalar() < -1e30) : -1;
        if (slot < 0)
            return null;
        var low = node.Input(slot + 1)!.Constant!;
        return () => node.SetInput(slot + 1, m.Const(low.Select(n => double.IsFinite(n) ? double.NegativeInfinity : m.OneOf(float.MinValue, -1e35f))));
    }
}

/// <summary>where(c, 0, low) ⇔ (1 − cast(c)) · low.</summary>
public sealed class MaskByProduct : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node)
    {
        if (!node.Is("Where") || node.Input(1).Scalar() != 0 || node.Input(2).Scalar() is not { } low || low > -1e30 || !double.IsFinite(low))
            return null;
        return () => m.Op("Mul", [m.Op("Sub", [m.Number(1, ElementType.Float32), m.Op("Cast", [node.Input(0)], ("to", 1L))]), node.Input(2)]);
    }
}

/// <summary>softmax(x) ⇒ where(isnan(softmax(x)), 0, softmax(x)).</summary>
public sealed class SoftmaxGuarded : ValueMutation
{
    protected override Func<Value, Value>? Wrapper(Manuscript m, Value value) => value.Producer?.Is("Softmax") == true && value.IsFloat()
        && value.Uses.All(u => !u.Node.Is("IsNaN") && !u.Node.Is("Where"))
        ? v => m.Op("Where", [m.Op("IsNaN", [v]), m.Number(0, value.Type!.Element), v]) : null;
}

/// <summary>softmax(x) ⇒ exp(x − max x) / Σ exp(x − max x).</summary>
public sealed class SoftmaxSpelled : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node) => !node.Is("Softmax") || !node.Result.IsSingle() || node.Int("axis", -1) is not (-1 or 3) ? null
        : () =>
        {
            var max = m.Opset >= 18 ? m.Op("ReduceMax", [node.Input(0), m.Ints(-1)]) : m.Op("ReduceMax", [node.Input(0)], ("axes", (long[])[-1]));
            var exp = m.Op("Exp", [m.Op("Sub", [node.Input(0), max])]);
            return m.Op("Div", [exp, m.ReduceSum(exp, -1)]);
        };
}
