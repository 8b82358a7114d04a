using OnnxEff.Ir;

namespace OnnxEff.Tests.GraphPasses.Spelling.Mutations;

/// <summary>σ(x) ⇒ 1 / (1 + e⁻ˣ).</summary>
public sealed class SigmoidSpelled : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node) => !node.Is("Sigmoid") || !node.Result.IsSingle() ? null
        : () => m.Flip() ? m.Op("Reciprocal", [Shifted(m, node.Input(0)!)])
            : m.Op("Div", [m.Number(1, ElementType.Float32), Shifted(m, node.Input(0)!)]);

    /// <summary>1 + e⁻ˣ.</summary>
    internal static Value Shifted(Manuscript m, Value x)
    {
        var exp = m.Op("Exp", [m.Op("Neg", [x])]);
        var one = m.Number(1, ElementType.Float32);
        return m.Flip() ? m.Op("Add", [one, exp]) : m.Op("Add", [exp, one]);
    }
}

/// <summary>x · σ(x) ⇒ x / (1 + e⁻ˣ).</summary>
public sealed class SwishAsQuotient : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node)
    {
        if (!node.Is("Mul") || !node.Result.IsSingle())
            return null;
        foreach (var (x, sigmoid) in ((Value, Value)[])[(node.Input(0)!, node.Input(1)!), (node.Input(1)!, node.Input(0)!)])
        {
            if (sigmoid.Producer is { OpType: "Sigmoid" } s && s.Input(0) == x)
                return () => m.Op("Div", [x, SigmoidSpelled.Shifted(m, x)]);
        }
        return null;
    }
}

/// <summary>Gelu ⇒ its formula.</summary>
public sealed class GeluSpelled : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node) => !node.Is("Gelu") || !node.Result.IsSingle() ? null
        : () =>
        {
            Value Number(double n) => m.Number(n, ElementType.Float32);
            Value Mul(Value a, Value b) => m.Op("Mul", [a, b]);
            var x = node.Input(0)!;
            var inner = node.Text("approximate", "none") == "none" ? m.Op("Erf", [m.Op("Div", [x, Number(Math.Sqrt(2))])])
                : m.Op("Tanh", [Mul(Number(Math.Sqrt(2 / Math.PI)), m.Op("Add", [x, Mul(Number(0.044715), m.Op("Pow", [x, Number(3)]))]))]);
            return Mul(Mul(Number(0.5), x), m.Op("Add", [Number(1), inner]));
        };
}

/// <summary>max(x, 0) ⇔ Relu(x).</summary>
public sealed class ReluSpelled : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node) => !node.Is("Relu") || !node.Result.IsSingle() ? null
        : m.OneOf<Func<Value>>(
            () => m.Op("Max", [node.Input(0), m.Number(0, ElementType.Float32)]),
            () => m.Op("Clip", [node.Input(0), m.Number(0, ElementType.Float32)]));
}

/// <summary>min(max(x, a), b) ⇔ Clip(x, a, b).</summary>
public sealed class ClipSpelled : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node) => !node.Is("Clip") || !node.Result.IsSingle()
        || node.Input(1).Scalar() is null || node.Input(2).Scalar() is null ? null
        : () => m.Op("Min", [m.Op("Max", [node.Input(0), node.Input(1)]), node.Input(2)]);
}
