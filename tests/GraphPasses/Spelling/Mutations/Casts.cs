using OnnxEff.Ir;

namespace OnnxEff.Tests.GraphPasses.Spelling.Mutations;

/// <summary>x ⇒ Cast(x) to the type it has.</summary>
public sealed class CastToSameType : ValueMutation
{
    protected override Func<Value, Value>? Wrapper(Manuscript m, Value value) => value.Type is { } type && Numbers.Has(type.Element)
        ? m.Flip(0.8) ? v => m.Op("Cast", [v], ("to", (long)type.Element)) : v => m.Op("CastLike", [v, v]) : null;
}

/// <summary>x ⇒ Cast(Cast(x)) through a type that holds every value of x.</summary>
public sealed class CastThereAndBack : ValueMutation
{
    protected override Func<Value, Value>? Wrapper(Manuscript m, Value value)
    {
        if (value.Type is not { } type)
            return null;
        var wide = type.Element switch
        {
            ElementType.Float32 => ElementType.Float64,
            ElementType.Float16 => m.OneOf(ElementType.Float32, ElementType.Float64),
            ElementType.Int32 => m.OneOf(ElementType.Int64, ElementType.Float64),
            ElementType.Bool => m.OneOf(ElementType.Int64, ElementType.Int32, ElementType.Float32),
            _ => type.Element,
        };
        return wide == type.Element ? null : v => m.Op("Cast", [m.Op("Cast", [v], ("to", (long)wide))], ("to", (long)type.Element));
    }
}

/// <summary>softmax(x) ⇒ Cast(softmax(Cast(x))), computed in a wider type.</summary>
public sealed class SoftmaxInWiderType : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node)
    {
        if (!node.Is("Softmax") || !node.Input(0).IsFloat())
            return null;
        var own = (long)node.Result.Type!.Element;
        var wide = (long)(own == (long)ElementType.Float16 ? ElementType.Float32 : ElementType.Float64);
        return () => m.Op("Cast", [m.Op("Softmax", [m.Op("Cast", [node.Input(0)], ("to", wide))], ("axis", node.Int("axis", -1)))], ("to", own));
    }
}

/// <summary>f(Cast(x)) ⇒ Cast(f(x)) and back, for an f that only moves elements.</summary>
public sealed class CastPastMove : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node)
    {
        static bool Moves(Node n) => n.Domain.Length == 0 && n.OpType is "Reshape" or "Transpose" or "Unsqueeze" or "Squeeze" or "Slice" or "Expand" or "Flatten";
        if (node.Is("Cast") && node.Input(0)!.Producer is { } move && Moves(move))
            return () => Copy(m, move, m.Op("Cast", [move.Input(0)], ("to", node.Int("to"))));
        if (Moves(node) && node.Input(0)!.Producer is { } cast && cast.Is("Cast"))
            return () => m.Op("Cast", [Copy(m, node, cast.Input(0)!)], ("to", cast.Int("to")));
        return null;
    }

    static Value Copy(Manuscript m, Node move, Value x)
    {
        var copy = m.Op(move.OpType, [x, .. move.Inputs.Skip(1)]);
        foreach (var (name, value) in move.Attributes)
            copy.Producer!.SetAttribute(name, value);
        return copy;
    }
}
