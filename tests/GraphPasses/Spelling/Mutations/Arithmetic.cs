using OnnxEff.Ir;
using OnnxEff.Ops.Onnx;

namespace OnnxEff.Tests.GraphPasses.Spelling.Mutations;

/// <summary>x / c ⇔ x · (1/c).</summary>
public sealed class QuotientAsProduct : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node) =>
        node.Result.IsFloat() && node.OpType is "Mul" or "Div" && node.Input(1) is { Constant: { Count: 1 } c } && c.ToScalar() is { } number && number != 0 && double.IsFinite(number)
            ? () => m.Op(node.Is("Mul") ? "Div" : "Mul", [node.Input(0), m.Const(c.Select(n => 1 / n))]) : null;
}

/// <summary>a − b ⇔ a + (−b).</summary>
public sealed class DifferenceAsSum : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node) => !node.Result.IsFloat() ? null : node switch
    {
        { OpType: "Sub" } when node.Input(1)!.Constant is { Count: 1 } c => () => m.Op("Add", [node.Input(0), m.Const(c.Select(n => -n))]),
        { OpType: "Sub" } => () => m.Op("Add", [node.Input(0), m.Op("Neg", [node.Input(1)])]),
        { OpType: "Add" } when node.Input(1)!.Constant is { Count: 1 } c => () => m.Op("Sub", [node.Input(0), m.Const(c.Select(n => -n))]),
        { OpType: "Add" } when node.Input(1)!.Producer?.Is("Neg") == true => () => m.Op("Sub", [node.Input(0), node.Input(1)!.Producer!.Input(0)]),
        _ => null,
    };
}

/// <summary>−x ⇔ −1 · x, 0 − x.</summary>
public sealed class NegationSpelled : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node) => !node.Is("Neg") || !node.Result.IsFloat() ? null
        : m.OneOf<Func<Value>>(
            () => m.Op("Mul", [node.Input(0), m.Number(-1, node.Result.Type!.Element)]),
            () => m.Op("Sub", [m.Number(0, node.Result.Type!.Element), node.Input(0)]));
}

/// <summary>x² as power or product, x³ too.</summary>
public sealed class PowerAsProduct : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node)
    {
        if (node.Is("Mul") && node.Input(0) == node.Input(1) && node.Result.IsFloat())
            return () => m.Op("Pow", [node.Input(0), m.Number(2, m.OneOf(node.Result.Type!.Element, ElementType.Int64))]);
        if (!node.Is("Pow") || node.Input(1).Scalar() is not (2 or 3))
            return null;
        var x = node.Input(0);
        return node.Input(1).Scalar() == 2 ? () => m.Op("Mul", [x, x])
            : m.Flip() ? () => m.Op("Mul", [m.Op("Mul", [x, x]), x]) : () => m.Op("Mul", [x, m.Op("Mul", [x, x])]);
    }
}

/// <summary>√x ⇔ x^½.</summary>
public sealed class RootAsPower : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node) => !node.Result.IsFloat() ? null
        : node.Is("Sqrt") ? () => m.Op("Pow", [node.Input(0), m.Number(0.5, node.Result.Type!.Element)])
        : node.Is("Pow") && node.Input(1).Scalar() == 0.5 ? () => m.Op("Sqrt", [node.Input(0)]) : null;
}

/// <summary>1 / x as Reciprocal, quotient or power; 1 / √x as power of −½.</summary>
public sealed class ReciprocalSpelled : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node)
    {
        if (!node.Result.IsFloat())
            return null;
        var isReciprocal = node.Is("Reciprocal");
        if (!isReciprocal && !(node.Is("Div") && node.Input(0).Scalar() == 1))
            return null;
        var x = node.Input(isReciprocal ? 0 : 1)!;
        Value Number(double n) => m.Number(n, node.Result.Type!.Element);
        if (x.Producer is { OpType: "Sqrt" } root && m.Flip())
            return () => m.Op("Pow", [root.Input(0), Number(-0.5)]);
        return isReciprocal ? m.Flip() ? () => m.Op("Div", [Number(1), x]) : () => m.Op("Pow", [x, Number(-1)]) : () => m.Op("Reciprocal", [x]);
    }
}

/// <summary>x / y ⇔ x · (1/y) for computed y.</summary>
public sealed class QuotientAsReciprocal : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node)
    {
        if (!node.Result.IsFloat())
            return null;
        if (node.Is("Div") && node.Input(1)!.Constant is null && node.Input(0)!.Constant is null)
            return () => m.Op("Mul", [node.Input(0), m.Op("Reciprocal", [node.Input(1)])]);
        return node.Is("Mul") && node.Input(1)!.Producer is { OpType: "Reciprocal" } inverse
            ? () => m.Op("Div", [node.Input(0), inverse.Input(0)]) : null;
    }
}

/// <summary>mean(x) ⇒ sum(x) / n over axes of known size.</summary>
public sealed class MeanAsSum : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node)
    {
        if (!node.Is("ReduceMean") || node.Int("keepdims", 1) == 0 || Axes.Of(node) is not { } axes || !node.Result.IsSingle()
            || node.Input(0).Shape() is not { } shape || axes.Select(a => shape[(int)a].Constant).Any(d => d is null))
            return null;
        var count = axes.Aggregate(1L, (n, a) => n * shape[(int)a].Constant!.Value);
        return () => m.Flip() ? m.Op("Div", [m.ReduceSum(node.Input(0)!, axes), m.Number(count, ElementType.Float32)])
            : m.Op("Mul", [m.ReduceSum(node.Input(0)!, axes), m.Number(1.0 / count, ElementType.Float32)]);
    }
}

/// <summary>c · x ⇒ √c · (√c · x).</summary>
public sealed class FactorInTwo : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node)
    {
        if (!node.Is("Mul") || !node.Result.IsSingle() || node.Input(0)!.Constant is not null || node.Input(1).Scalar() is not { } c || c <= 0 || node.Input(1)!.Constant!.Rank > 0)
            return null;
        var root = m.Number(Math.Sqrt(c), ElementType.Float32);
        return () => m.Op("Mul", [root, m.Op("Mul", [node.Input(0), root])]);
    }
}

/// <summary>(a ∘ b) ∘ c ⇔ a ∘ (b ∘ c) for sums and products of one shape.</summary>
public sealed class Regrouped : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node)
    {
        if (node.OpType is not ("Add" or "Mul") || !node.Result.IsFloat())
            return null;
        if (node.Input(0)!.Producer is { } left && left.Is(node.OpType) && Fits(left, node.Input(1)!))
            return () => m.Op(node.OpType, [left.Input(0), m.Op(node.OpType, [left.Input(1), node.Input(1)])]);
        return null;
    }

    // A sum of a residual, a product and its bias is another model if the bias moves: it belongs to the product.
    static bool Fits(Node inner, Value other) => inner.Is("Mul") && inner.Result.Uses.Count == 1
        && (inner.Input(0).Scalar() is not null || inner.Input(1).Scalar() is not null || other.Scalar() is not null);
}
