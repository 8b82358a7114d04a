using OnnxEff.Ir;
using OnnxEff.Ops.Llm;

namespace OnnxEff.GraphPasses.Lower;

/// <summary>softmax(softcap(scale · q · kᵀ) + masks) · v over heads, in standard operators.</summary>
sealed class SpelledCore(LlmAttention attention, GraphBuilder build, long opset, SpelledOperands operands)
{
    readonly ElementType _element = attention[AttentionInput.Query]!.Type!.Element;
    readonly SpelledMask _mask = new(attention, build, opset);

    /// <summary>True if a query may find no key: what is left of its row then is zeros.</summary>
    bool MayBeEmpty => (attention[AttentionInput.KeyMask] ?? attention[AttentionInput.SeqlensK] ?? attention[AttentionInput.Bias]) is not null
        || !attention.Appends;

    Value Queries => build.Extent(attention[AttentionInput.Query]!, 1);

    Value Keys => build.Op("Gather", [Op("Shape", operands.Keys), Ints(2)], null);

    Value Op(string op, params ReadOnlySpan<Value?> inputs) => build.Op(op, inputs, null);

    Value Ints(params ReadOnlySpan<long> values) => build.Constant(Tensor.Vector(values));

    Value Number(double value) => build.Constant(Constants.Scalar(value, _element));

    Value Concat(long axis, params ReadOnlySpan<Value?> parts) => build.Op("Concat", parts, null, ("axis", axis));

    /// <summary>The core as one operator of opset 23.</summary>
    public (Value Mixed, Value? Product) Fused()
    {
        var (visible, numbers) = (_mask.Visible(operands.First, Queries, Keys, operands.Lengths), _mask.Numbers(Keys));
        var node = build.Node("Attention", "", [operands.Query, operands.Keys, operands.Values, numbers is null ? visible : _mask.Additive(visible, numbers)],
            [("scale", attention.Scale), ("softcap", attention.Softcap)]);
        var mixed = build.Output(node, "mixed", null);
        if (attention.Node.Output(3) is null)
            return (mixed, null);
        node.SetAttribute("qk_matmul_output_mode", attention.ProductMode);
        _ = (node.AddOutput(""), node.AddOutput(""));
        return (mixed, build.Output(node, "product", null));
    }

    /// <summary>The core as two products around a softmax.</summary>
    public (Value Mixed, Value? Product) Products()
    {
        var isGrouped = attention.Heads != attention.KvHeads;
        Value Fold(Value perHead, Value width) => isGrouped ? Op("Reshape", perHead, Concat(0, Ints(0, attention.KvHeads, -1), width)) : perHead;
        Value Unfold(Value perGroup, Value width) => isGrouped ? Op("Reshape", perGroup, Concat(0, Ints(0, attention.Heads), Queries, width)) : perGroup;
        var stages = new Value[4];
        var transposed = build.Op("Transpose", [operands.Keys], null, ("perm", (long[])[0, 1, 3, 2]));
        var logits = stages[0] = Unfold(Op("MatMul", Op("Mul", Fold(operands.Query, Ints(attention.HeadSize)), Number(attention.Scale)), transposed), Keys);
        if (attention.Softcap != 0)
            logits = Op("Mul", Op("Tanh", Op("Div", logits, Number(attention.Softcap))), Number(attention.Softcap));
        stages[1] = logits;
        var added = _mask.Additive(_mask.Visible(operands.First, Queries, Keys, operands.Lengths), _mask.Numbers(Keys));
        if (added is not null)
            logits = Op("Add", logits, added);
        stages[2] = logits;
        var weights = attention[AttentionInput.Sinks] is { } sinks ? WithSinks(logits, sinks) : build.Op("Softmax", [logits], null, ("axis", -1L));
        var empty = added is not null && MayBeEmpty ? Op("Equal", Largest(added), Number(double.NegativeInfinity)) : null;
        stages[3] = empty is not null && attention.Node.Output(3) is not null && attention.ProductMode == 3 ? Op("Where", empty, Number(0), weights) : weights;
        var mixed = Unfold(Op("MatMul", Fold(weights, Keys), operands.Values), Ints(attention.ValueHeadSize));
        return (empty is null ? mixed : Op("Where", empty, Number(0), mixed), stages[attention.ProductMode]);
    }

    Value Largest(Value value) => opset >= 18 ? Op("ReduceMax", value, Ints(-1)) : build.Op("ReduceMax", [value], null, ("axes", (long[])[-1]));

    /// <summary>The sink is one more logit, whose weight nobody reads.</summary>
    Value WithSinks(Value logits, Value sinks)
    {
        var column = Op("Reshape", sinks, Ints(1, attention.Heads, 1, 1));
        var expanded = Op("Expand", column, Concat(0, build.Extent(attention[AttentionInput.Query]!, 0), Ints(1), Queries, Ints(1)));
        return Op("Slice", build.Op("Softmax", [Concat(-1, logits, expanded)], null, ("axis", -1L)), Ints(0), Ints(-1), Ints(-1));
    }
}
