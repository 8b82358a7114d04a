using OnnxEff.Ir;
using OnnxEff.Ops.Llm;

namespace OnnxEff.GraphPasses.Lower;

/// <summary>What decides which keys a query sees, and what is added to its logits, in standard operators.</summary>
sealed class SpelledMask(LlmAttention attention, GraphBuilder build, long opset)
{
    readonly ElementType _element = attention[AttentionInput.Query]!.Type!.Element;

    /// <summary>What the places of queries and keys decide.</summary>
    public static PlaceMask PlacesOf(LlmAttention attention) => new(attention.Causal, attention.Window, attention.WindowRight, attention.Chunk);

    Value Op(string op, params ReadOnlySpan<Value?> inputs) => build.Op(op, inputs, null);

    Value Ints(params ReadOnlySpan<long> values) => build.Constant(Tensor.Vector(values));

    Value Number(double value) => build.Constant(Constants.Scalar(value, _element));

    /// <summary>True where a query sees a key, broadcasting to [B, H, S, T]; null if every query sees every key.</summary>
    /// <param name="first">Place of the first query among the keys, int64 [1] or [B, 1, 1, 1].</param>
    /// <param name="queries">S, int64 [1].</param>
    /// <param name="keys">T, int64 [1].</param>
    /// <param name="lengths">Keys of each row, int64 [B, 1, 1, 1], or null.</param>
    /// <param name="places">The rule by places; null for the attention's own.</param>
    public Value? Visible(Value first, Value queries, Value keys, Value? lengths, PlaceMask? places = null)
    {
        Value? mask = null;
        void Both(Value? part) => mask = mask is null || part is null ? mask ?? part : Op("And", mask, part);
        var padding = attention[AttentionInput.KeyMask] is { } given ? build.Cast(given, ElementType.Bool) : null;
        // The first key that a row shows is the first largest of its mask.
        var start = padding is null || !attention.ChunkFromFirstKey ? null
            : Op("Reshape", build.Op("ArgMax", [build.Cast(padding, ElementType.Int32)], null, ("axis", 1L)), Ints(-1, 1, 1, 1));
        Both((places ?? PlacesOf(attention)).Spell(build, first, queries, keys, start));
        if (padding is not null)
            Both(build.Unsqueeze(padding, opset, 1, 2));
        if (lengths is not null)
            Both(Op("Less", build.Range(keys), lengths));
        return mask;
    }

    /// <summary>What is added to the logits apart from masks: the bias, and slopes counted from the last key.</summary>
    public Value? Numbers(Value keys)
    {
        var bias = attention[AttentionInput.Bias];
        if (attention[AttentionInput.Slopes] is not { } slopes)
            return bias;
        var behind = build.Cast(Op("Sub", build.Range(keys), Op("Sub", keys, Ints(1))), _element);
        var line = Op("Mul", Op("Reshape", slopes, Ints(1, attention.Heads, 1, 1)), behind);
        return bias is null ? line : Op("Add", bias, line);
    }

    /// <summary>Both as numbers to add.</summary>
    /// <param name="visible">True where a key may be seen, or null.</param>
    /// <param name="numbers">Numbers to add, or null.</param>
    /// <param name="hidden">What hides a key; null for −∞.</param>
    public Value? Additive(Value? visible, Value? numbers, Tensor? hidden = null)
    {
        var hiding = visible is null ? null
            : Op("Where", visible, Number(0), build.Constant(hidden ?? Constants.Scalar(double.NegativeInfinity, _element)));
        return hiding is null || numbers is null ? hiding ?? numbers : Op("Add", numbers, hiding);
    }
}
