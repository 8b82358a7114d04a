using OnnxEff.Ir;
using OnnxEff.Ops.Llm;

namespace OnnxEff.GraphPasses.Lower;

/// <summary>
/// <c>llm.Attention</c> in standard operators: rotation, cache, mask and softmax spelled out; from opset 23 on the operator
/// Attention takes the core. Groups of query heads are folded into the tokens, [B, Hkv, G·S, D], so that no head is repeated.
/// </summary>
sealed class AttentionToPrimitives(Model model)
{
    static readonly long[] Swap = [0, 2, 1, 3];

    /// <summary>True if standard operators can say what the node says: lengths by row need the operator they came from.</summary>
    public static bool CanLower(LlmAttention attention) => attention[AttentionInput.SeqlensK] is null && attention[AttentionInput.Key] is not null
        && (attention[AttentionInput.Cos] is null || attention[AttentionInput.Cos]!.Type?.Shape?.Rank == 3 || attention[AttentionInput.PositionIds] is not null);

    /// <summary>
    /// True if the operator Attention can take the core. It knows no sinks, and ONNX Runtime takes a mask only if it has a row
    /// for each query.
    /// </summary>
    static bool CanFuse(LlmAttention attention)
    {
        var queries = attention[AttentionInput.Query]!.Type!.Shape![1];
        var hasRows = attention.Causal || attention.Window > 0 || attention[AttentionInput.KeyMask] is null;
        return attention[AttentionInput.Sinks] is null && (attention[AttentionInput.Bias] is { } bias
            ? bias.Type?.Shape is { Rank: >= 2 } shape && shape[-2] == queries : hasRows);
    }

    /// <summary>Replaces the node.</summary>
    public void Lower(LlmAttention attention)
    {
        var spell = new Spelling(attention, model);
        var (keys, values) = (spell.Heads(AttentionInput.Key, attention.KvHeads), spell.Heads(AttentionInput.Value, attention.KvHeads));
        var query = spell.Rotate(spell.Heads(AttentionInput.Query, attention.Heads));
        keys = spell.Append(AttentionInput.PastKey, spell.Rotate(keys));
        values = spell.Append(AttentionInput.PastValue, values);
        var mask = spell.Mask(keys);
        var mixed = model.Opset >= 23 && CanFuse(attention)
            ? spell.Fused(query, keys, values, mask) : spell.Product(query, keys, values, mask);
        spell.Finish(mixed, keys, values);
    }

    /// <summary>One attention being spelled out.</summary>
    sealed class Spelling(LlmAttention attention, Model model)
    {
        readonly GraphBuilder _build = new(attention.Node.Graph, attention.Node.Name);
        readonly ElementType _element = attention[AttentionInput.Query]!.Type!.Element;
        readonly TensorShape _query = attention[AttentionInput.Query]!.Type!.Shape!;

        Value Op(string op, params ReadOnlySpan<Value?> inputs) => _build.Op(op, inputs, null);

        Value Ints(params ReadOnlySpan<long> values) => _build.Constant(Tensor.Vector(values));

        Value Number(double value) => _build.Constant(Constants.Scalar(value, _element));

        Value Extent(Value value, long axis) => Op("Gather", Op("Shape", value), Ints(axis));

        Value Unsqueeze(Value value, params long[] axes) => model.Opset >= 13 ? Op("Unsqueeze", value, Ints(axes))
            : _build.Op("Unsqueeze", [value], null, ("axes", axes));

        Value Slice(Value value, long start, long end, long step = 1) => Op("Slice", value, Ints(start), Ints(end), Ints(-1), Ints(step));

        Value Concat(long axis, params ReadOnlySpan<Value?> parts) => _build.Op("Concat", parts, null, ("axis", axis));

        /// <summary>[B, S, H·D] as [B, H, S, D].</summary>
        public Value Heads(AttentionInput input, long heads) => _build.Op("Transpose",
            [Op("Reshape", attention[input], Ints(0, 0, heads, attention.HeadSize))],
            new TensorType(_element, new TensorShape(_query[0], heads, _query[1], attention.HeadSize)), ("perm", Swap));

        /// <summary>(x₁·cos − x₂·sin, x₂·cos + x₁·sin), and the rest of the head as it is.</summary>
        public Value Rotate(Value heads)
        {
            if (attention[AttentionInput.Cos] is not { } cos)
                return heads;
            var sin = attention[AttentionInput.Sin]!;
            var half = cos.Type!.Shape![-1].Constant!.Value;
            if (attention[AttentionInput.PositionIds] is { } positions)
                (cos, sin) = (Op("Gather", cos, positions), Op("Gather", sin, positions));
            (cos, sin) = (Unsqueeze(cos, 1), Unsqueeze(sin, 1));
            var (first, second) = attention.RotaryInterleaved
                ? (Slice(heads, 0, 2 * half, 2), Slice(heads, 1, 2 * half, 2)) : (Slice(heads, 0, half), Slice(heads, half, 2 * half));
            var real = Op("Sub", Op("Mul", first, cos), Op("Mul", second, sin));
            var imaginary = Op("Add", Op("Mul", second, cos), Op("Mul", first, sin));
            var rotated = !attention.RotaryInterleaved ? Concat(-1, real, imaginary)
                : Op("Reshape", Concat(-1, Unsqueeze(real, -1), Unsqueeze(imaginary, -1)), Ints(0, 0, -1, 2 * half));
            return 2 * half == attention.HeadSize ? rotated : Concat(-1, rotated, Slice(heads, 2 * half, long.MaxValue));
        }

        /// <summary>The cache with the new heads behind it.</summary>
        public Value Append(AttentionInput past, Value added) => attention[past] is { } cached ? Concat(2, cached, added) : added;

        /// <summary>True where a query sees a key, broadcasting to [B, H, S, T]; null if every query sees every key.</summary>
        public Value? Mask(Value keys)
        {
            Value? mask = null;
            if (attention.Causal || attention.Window > 0)
            {
                var (zero, one) = (_build.Constant(Tensor.Scalar(0L)), _build.Constant(Tensor.Scalar(1L)));
                Value Scalar(Value vector) => Op("Reshape", vector, _build.Constant(Tensor.Create<long>([0], [])));
                var total = Scalar(Extent(keys, 2));
                var key = Op("Range", zero, total, one);
                var query = Unsqueeze(Op("Range", Op("Sub", total, Scalar(Extent(attention[AttentionInput.Query]!, 1))), total, one), 1);
                if (attention.Causal)
                    mask = Op("Not", Op("Greater", key, query));
                if (attention.Window > 0)
                    mask = And(mask, Op("Greater", key, Op("Sub", query, _build.Constant(Tensor.Scalar(attention.Window)))));
            }
            if (attention[AttentionInput.KeyMask] is { } padding)
                mask = And(mask, Unsqueeze(_build.Op("Cast", [padding], null, ("to", (long)ElementType.Bool)), 1, 2));
            return mask;
        }

        Value And(Value? a, Value b) => a is null ? b : Op("And", a, b);

        /// <summary>A mask as numbers to add, together with the bias.</summary>
        Value? Additive(Value? mask)
        {
            var added = mask is null ? null : Op("Where", mask, Number(0), _build.Constant(Constants.HiddenKey(_element)));
            var bias = attention[AttentionInput.Bias];
            return added is null ? bias : bias is null ? added : Op("Add", bias, added);
        }

        /// <summary>The core as one operator of opset 23.</summary>
        public Value Fused(Value query, Value keys, Value values, Value? mask) => _build.Op("Attention",
            [query, keys, values, attention[AttentionInput.Bias] is null ? mask : Additive(mask)], null,
            ("scale", attention.Scale), ("softcap", attention.Softcap));

        /// <summary>The core as two products around a softmax.</summary>
        public Value Product(Value query, Value keys, Value values, Value? mask)
        {
            var isGrouped = attention.Heads != attention.KvHeads;
            Value Fold(Value perHead, Value width) => isGrouped
                ? Op("Reshape", perHead, Concat(0, Ints(0, attention.KvHeads, -1), width)) : perHead;
            Value Unfold(Value perGroup, Value width) => isGrouped
                ? Op("Reshape", perGroup, Concat(0, Ints(0, attention.Heads), Extent(attention[AttentionInput.Query]!, 1), width)) : perGroup;
            var (size, total) = (Ints(attention.HeadSize), Extent(keys, 2));
            var transposed = _build.Op("Transpose", [keys], null, ("perm", (long[])[0, 1, 3, 2]));
            var logits = Unfold(Op("MatMul", Op("Mul", Fold(query, size), Number(attention.Scale)), transposed), total);
            if (attention.Softcap != 0)
                logits = Op("Mul", Op("Tanh", Op("Div", logits, Number(attention.Softcap))), Number(attention.Softcap));
            if (Additive(mask) is { } added)
                logits = Op("Add", logits, added);
            var probabilities = attention[AttentionInput.Sinks] is { } sinks ? WithSinks(logits, sinks)
                : _build.Op("Softmax", [logits], null, ("axis", -1L));
            return Unfold(Op("MatMul", Fold(probabilities, total), values), size);
        }

        /// <summary>The sink is one more logit, whose probability nobody reads.</summary>
        Value WithSinks(Value logits, Value sinks)
        {
            var column = Op("Reshape", sinks, Ints(1, attention.Heads, 1, 1));
            var query = attention[AttentionInput.Query]!;
            var expanded = Op("Expand", column, Concat(0, Extent(query, 0), Ints(1), Extent(query, 1), Ints(1)));
            return Slice(_build.Op("Softmax", [Concat(-1, logits, expanded)], null, ("axis", -1L)), 0, -1);
        }

        /// <summary>Hands [B, S, Hq·D] and the presents to the readers of the node.</summary>
        public void Finish(Value mixed, Value keys, Value values)
        {
            var flat = Op("Reshape", _build.Op("Transpose", [mixed], null, ("perm", Swap)), Ints(0, 0, (long)attention.Heads * attention.HeadSize));
            ReadOnlySpan<Value> made = [flat, keys, values];
            var node = attention.Node;
            for (var i = 0; i < node.Outputs.Count; i++)
            {
                var (name, output) = (node.Outputs[i].Name, node.Outputs[i]);
                if (name.Length == 0)
                    continue;
                made[i].Type = output.Type;
                output.Name = node.Graph.FreshName(name);
                output.ReplaceUsesWith(made[i]);
                made[i].Name = name;
            }
            node.Graph.RemoveNode(node);
        }
    }
}
