using OnnxEff.Ir;
using OnnxEff.Ops.Llm;

namespace OnnxEff.GraphPasses.Lower;

/// <summary>
/// <c>llm.Attention ⇒ com.microsoft.GroupQueryAttention</c> of ONNX Runtime 1.30 and later. The operator knows padding on
/// the right only, by row lengths; a mask with padding anywhere becomes a bias. Its own rotation ignores positions in a
/// prompt, so rotations by position go before it as RotaryEmbedding. On CPU it takes a batch of several rows with a past one
/// token at a time only: chunks of several tokens need a batch of one.
/// </summary>
sealed class AttentionToGroupQuery(Model model, DecoderSignature? signature)
{
    const string Contrib = "com.microsoft";

    // What depends on the mask or on a table only is made once for all layers.
    readonly Dictionary<Value, (Value Lengths, Value Total)> _lengths = [];
    readonly Dictionary<(Value Mask, ElementType Element), Value> _biases = [];
    readonly Dictionary<Value, Value> _tokenIndices = [];
    readonly Dictionary<Value, Value> _flatTables = [];

    /// <summary>Why the operator cannot say what the node says, or null.</summary>
    public string? Refusal(LlmAttention attention)
    {
        var element = attention[AttentionInput.Query]?.Type?.Element;
        return element is not (ElementType.Float32 or ElementType.Float16) ? $"GroupQueryAttention computes float32 and float16, not {element}"
            : attention.HeadSize % 8 != 0 ? $"GroupQueryAttention takes head sizes that are multiples of 8, not {attention.HeadSize}"
            : attention.Window > 0 && !attention.Causal ? "GroupQueryAttention has windows for causal attention only"
            : attention[AttentionInput.Key] is null && attention[AttentionInput.PositionIds] is not null
                ? "queries and keys that rotate by given positions must not be packed"
            : attention[AttentionInput.KeyMask] is null && attention[AttentionInput.SeqlensK] is null && signature is null
                ? "the number of keys is not known without an attention mask"
            : null;
    }

    /// <summary>Replaces the node.</summary>
    public void Lower(LlmAttention attention)
    {
        var source = attention.Node;
        var build = new GraphBuilder(source.Graph, source.Name);
        var element = attention[AttentionInput.Query]!.Type!.Element;
        var (query, key) = (attention[AttentionInput.Query], attention[AttentionInput.Key]);
        var (cos, sin) = (attention[AttentionInput.Cos], attention[AttentionInput.Sin]);
        // Tables without positions belong to the operator: it was one before.
        var rotatesInside = cos is not null && cos.Type?.Shape?.Rank == 2 && attention[AttentionInput.PositionIds] is null;
        if (cos is not null && !rotatesInside)
        {
            query = Rotate(query!, attention.Heads, attention, build);
            key = Rotate(key!, attention.KvHeads, attention, build);
            cos = sin = null;
        }
        var (lengths, total) = Lengths(attention, build);
        var bias = attention[AttentionInput.Bias];
        if (attention[AttentionInput.KeyMask] is { } mask)
            bias = MaskBias(mask, query!, element, build) is var b && bias is null ? b : build.Op("Add", [bias, b], bias!.Type);
        var node = build.Node("GroupQueryAttention", Contrib,
            [query, key, attention[AttentionInput.Value], attention[AttentionInput.PastKey], attention[AttentionInput.PastValue],
                lengths, total, cos, sin, null, bias, attention[AttentionInput.Sinks]],
        [
            ("num_heads", (long)attention.Heads), ("kv_num_heads", (long)attention.KvHeads), ("scale", attention.Scale),
            ("do_rotary", rotatesInside ? 1L : 0L), ("rotary_interleaved", attention.RotaryInterleaved ? 1L : 0L),
        ]);
        node.Name = source.Name;
        if (attention.Softcap != 0)
            node.SetAttribute("softcap", attention.Softcap);
        if (attention.Window > 0)
            node.SetAttribute("local_window_size", attention.Window);
        if (!attention.Causal)
            node.SetAttribute("causal", 0L);
        source.HandOutputsTo(node);
    }

    /// <summary>seqlens_k int32 [B] and total_sequence_length int32 scalar: as given, or every row as long as the longest.</summary>
    (Value Lengths, Value Total) Lengths(LlmAttention attention, GraphBuilder build)
    {
        if (attention[AttentionInput.SeqlensK] is { } given)
            return (given, attention[AttentionInput.TotalSequenceLength]!);
        var source = attention[AttentionInput.KeyMask] ?? signature?.AttentionMask ?? attention[AttentionInput.PastKey] ?? attention[AttentionInput.Query]!;
        if (_lengths.TryGetValue(source, out var known))
            return known;
        var vector = new TensorType(ElementType.Int64, TensorShape.Of(1));
        Value Extent(Value value, long axis) => build.Op("Gather",
            [build.Op("Shape", [value], new TensorType(ElementType.Int64, TensorShape.Of(value.Type!.Shape!.Rank))), build.Constant(Tensor.Vector(axis))], vector);
        var query = attention[AttentionInput.Query]!;
        var total = source.Type?.Shape?.Rank == 2 ? Extent(source, 1)
            : source == query ? Extent(query, 1)
            : build.Op("Add", [Extent(source, 2), Extent(query, 1)], vector);
        var last = build.Op("Sub", [total, build.Constant(Tensor.Vector(1L))], vector);
        var rows = build.Op("Expand", [last, Extent(query, 0)], new TensorType(ElementType.Int64, new TensorShape(query.Type!.Shape![0])));
        var lengths = build.Op("Cast", [rows], rows.Type! with { Element = ElementType.Int32 }, ("to", (long)ElementType.Int32));
        var scalar = build.Op("Reshape", [total, build.Constant(Tensor.Create<long>([0], []))], new TensorType(ElementType.Int64, TensorShape.Scalar));
        var count = build.Op("Cast", [scalar], new TensorType(ElementType.Int32, TensorShape.Scalar), ("to", (long)ElementType.Int32));
        return _lengths[source] = (lengths, count);
    }

    /// <summary>0 for keys to see and the lowest finite number for others, [B, 1, S, T].</summary>
    Value MaskBias(Value mask, Value query, ElementType element, GraphBuilder build)
    {
        if (_biases.TryGetValue((mask, element), out var known))
            return known;
        var dims = mask.Type!.Shape!;
        var visible = mask.Type.Element == ElementType.Bool ? mask
            : build.Op("Cast", [mask], mask.Type with { Element = ElementType.Bool }, ("to", (long)ElementType.Bool));
        var row = build.Op("Where", [visible, build.Constant(Constants.Scalar(0, element)), build.Constant(Constants.HiddenKey(element))], new TensorType(element, dims));
        var axes = build.Constant(Tensor.Vector(1L, 2L));
        var row4Type = new TensorType(element, new TensorShape(dims[0], 1, 1, dims[1]));
        var row4 = model.Opset >= 13 ? build.Op("Unsqueeze", [row, axes], row4Type)
            : build.Op("Unsqueeze", [row], row4Type, ("axes", (long[])[1, 2]));
        var extent = build.Op("Gather", [build.Op("Shape", [query], new TensorType(ElementType.Int64, TensorShape.Of(3))), build.Constant(Tensor.Vector(1L))],
            new TensorType(ElementType.Int64, TensorShape.Of(1)));
        var one = build.Constant(Tensor.Vector(1L));
        var target = build.Op("Concat", [one, one, extent, one], new TensorType(ElementType.Int64, TensorShape.Of(4)), ("axis", 0L));
        return _biases[(mask, element)] = build.Op("Expand", [row4, target],
            new TensorType(element, new TensorShape(dims[0], 1, query.Type!.Shape![1], dims[1])));
    }

    /// <summary>RotaryEmbedding over [B, S, H·D]; angles per token become a table with one row for each token.</summary>
    Value Rotate(Value value, int heads, LlmAttention attention, GraphBuilder build)
    {
        var (cos, sin) = (attention[AttentionInput.Cos]!, attention[AttentionInput.Sin]!);
        var width = cos.Type!.Shape![-1].Constant!.Value * 2;
        var positions = attention[AttentionInput.PositionIds];
        if (positions is null)
        {
            positions = TokenIndices(value, cos, build);
            (cos, sin) = (FlatTable(cos, build), FlatTable(sin, build));
        }
        var node = build.Node("RotaryEmbedding", Contrib, [value, positions, cos, sin],
            [("interleaved", attention.RotaryInterleaved ? 1L : 0L), ("num_heads", (long)heads)]);
        if (width != attention.HeadSize)
            node.SetAttribute("rotary_embedding_dim", width);
        return build.Output(node, "rotated", value.Type);
    }

    /// <summary>[B or 1, S, R/2] as a table [B·S or S, R/2].</summary>
    Value FlatTable(Value table, GraphBuilder build)
    {
        if (_flatTables.TryGetValue(table, out var known))
            return known;
        var shape = table.Type!.Shape!;
        return _flatTables[table] = build.Op("Reshape", [table, build.Constant(Tensor.Vector(-1L, shape[2].Constant!.Value))],
            new TensorType(table.Type.Element, new TensorShape(shape[0] * shape[1], shape[2])));
    }

    /// <summary>The row of the flat table that belongs to each token, int64 [B, S].</summary>
    Value TokenIndices(Value value, Value table, GraphBuilder build)
    {
        if (_tokenIndices.TryGetValue(table, out var known))
            return known;
        var index = new TensorType(ElementType.Int64, TensorShape.Of(2));
        Value Shape(Value of) => build.Op("Slice", [build.Op("Shape", [of], new TensorType(ElementType.Int64, TensorShape.Of(3))),
            build.Constant(Tensor.Vector(0L)), build.Constant(Tensor.Vector(2L))], index);
        var rows = Shape(table);
        var count = build.Op("ReduceProd", [rows], new TensorType(ElementType.Int64, TensorShape.Scalar), ("keepdims", 0L));
        var range = build.Op("Range", [build.Constant(Tensor.Scalar(0L)), count, build.Constant(Tensor.Scalar(1L))], new TensorType(ElementType.Int64));
        var indices = build.Op("Reshape", [range, rows], new TensorType(ElementType.Int64));
        return _tokenIndices[table] = build.Op("Expand", [indices, Shape(value)],
            new TensorType(ElementType.Int64, new TensorShape(value.Type!.Shape![0], value.Type.Shape[1])));
    }
}
