using OnnxEff.Ir;
using OnnxEff.Ops.Llm;

namespace OnnxEff.GraphPasses.Lower;

/// <summary>
/// <c>llm.Attention ⇒ com.microsoft.GroupQueryAttention</c> of ONNX Runtime 1.30 and later. The operator knows padding on
/// the right only, by row lengths; padding anywhere else, chunks, windows that it lacks and slopes become a bias. Its own rotation ignores
/// positions in a prompt, so rotations by position go before it as RotaryEmbedding. On CPU it takes a batch of several rows with a past one
/// token at a time only: chunks of several tokens need a batch of one.
/// </summary>
sealed class AttentionToGroupQuery(Model model, DecoderSignature? signature)
{
    const string Contrib = "com.microsoft";

    // What depends on the mask or on a table only is made once for all layers.
    readonly Dictionary<Value, (Value Lengths, Value Total)> _lengths = [];
    readonly Dictionary<Value, Value> _tokenIndices = [];
    readonly Dictionary<Value, Value> _flatTables = [];

    /// <summary>Why the operator cannot say what the node says, or null.</summary>
    public string? Refusal(LlmAttention attention)
    {
        var element = attention[AttentionInput.Query]?.Type?.Element;
        return element is not (ElementType.Float32 or ElementType.Float16) ? $"GroupQueryAttention computes float32 and float16, not {element}"
            : attention.HeadSize % 8 != 0 ? $"GroupQueryAttention takes head sizes that are multiples of 8, not {attention.HeadSize}"
            : attention.ValueHeadSize != attention.HeadSize ? $"GroupQueryAttention takes values as wide as keys, not {attention.ValueHeadSize} where keys have {attention.HeadSize}"
            : !attention.Appends ? "GroupQueryAttention appends keys to its cache, and here all keys are given"
            : attention.Node.Output(3) is not null ? "GroupQueryAttention does not show the product of queries and keys at this stage"
            : attention[AttentionInput.SeqlensK] is not null && !PlacesBesides(attention).IsEmpty ? "GroupQueryAttention has triangles and windows behind a query only"
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
        var (query, key, value) = (attention[AttentionInput.Query], attention[AttentionInput.Key], attention[AttentionInput.Value]);
        var (cos, sin) = (attention[AttentionInput.Cos], attention[AttentionInput.Sin]);
        // Tables without positions belong to the operator: it was one before.
        var rotatesInside = cos is not null && cos.Type?.Shape?.Rank == 2 && attention[AttentionInput.PositionIds] is null;
        if (cos is not null && !rotatesInside)
        {
            (query, key, value) = Rotated(attention, build);
            cos = sin = null;
        }
        var (lengths, total) = Lengths(attention, build);
        var bias = Bias(attention, build);
        var node = build.Node("GroupQueryAttention", Contrib,
            [query, key, value, attention[AttentionInput.PastKey], attention[AttentionInput.PastValue],
                lengths, total, cos, sin, null, bias, attention[AttentionInput.Sinks]],
        [
            ("num_heads", (long)attention.Heads), ("kv_num_heads", (long)attention.KvHeads), ("scale", attention.Scale),
            ("do_rotary", rotatesInside ? 1L : 0L), ("rotary_interleaved", attention.RotaryInterleaved ? 1L : 0L),
        ]);
        node.Name = source.Name;
        if (attention.Softcap != 0)
            node.SetAttribute("softcap", attention.Softcap);
        if (attention is { Window: > 0, Causal: true })
            node.SetAttribute("local_window_size", attention.Window);
        if (!attention.Causal)
            node.SetAttribute("causal", 0L);
        source.HandOutputsTo(node);
    }

    /// <summary>seqlens_k int32 [B] and total_sequence_length int32 scalar: as given, or every row as long as the longest.</summary>
    (Value Lengths, Value Total) Lengths(LlmAttention attention, GraphBuilder build)
    {
        if (attention[AttentionInput.SeqlensK] is { } given && attention[AttentionInput.TotalSequenceLength] is { } known)
            return (given, known);
        var source = TotalSource(attention);
        if (attention[AttentionInput.SeqlensK] is null && _lengths.TryGetValue(source, out var made))
            return made;
        var total = Total(attention, build);
        var count = build.CountScalar(total);
        return attention[AttentionInput.SeqlensK] is { } rows ? (rows, count)
            : _lengths[source] = (build.LastOfRows(total, attention[AttentionInput.Query]!), count);
    }

    /// <summary>What shows how many keys there are.</summary>
    Value TotalSource(LlmAttention attention) => attention[AttentionInput.KeyMask] ?? signature?.AttentionMask ?? attention[AttentionInput.PastKey] ?? attention[AttentionInput.Query]!;

    /// <summary>T, int64 [1].</summary>
    Value Total(LlmAttention attention, GraphBuilder build) => build.Keys(attention, attention[AttentionInput.KeyMask] ?? signature?.AttentionMask);

    /// <summary>All that the operator cannot say otherwise as one bias [B or 1, Hq or 1, S, T] of finite numbers, or null.</summary>
    Value? Bias(LlmAttention attention, GraphBuilder build)
    {
        var mask = new SpelledMask(attention, build, model.Opset);
        var query = attention[AttentionInput.Query]!;
        var (queries, keys, lowest) = (build.Extent(query, 1), Total(attention, build), Constants.HiddenKey(query.Type!.Element));
        var visible = mask.Visible(build.Op("Sub", [keys, queries], keys.Type), queries, keys, null, PlacesBesides(attention));
        var numbers = mask.Numbers(keys);
        if (mask.Additive(visible, numbers, lowest) is not { } sum)
            return null;
        // A row that is hidden as a whole must stay a number, also where two numbers that hide a key are added.
        var given = attention[AttentionInput.Bias];
        if (numbers is not null && (visible is not null || (given is not null && !IsFinite(given.Constant))))
            sum = build.Op("Max", [sum, build.Constant(lowest)], null);
        if (given is { Type.Shape: { Rank: 4 } shape } && shape[2] == query.Type.Shape![1])
            return sum;
        var one = build.Constant(Tensor.Vector(1L));
        return build.Op("Expand", [sum, build.Op("Concat", [one, one, queries, one], null, ("axis", 0L))], null);
    }

    /// <summary>What the places of queries and keys decide that the operator has no attribute for.</summary>
    static PlaceMask PlacesBesides(LlmAttention attention) =>
        SpelledMask.PlacesOf(attention) with { Causal = false, Window = attention.Causal ? -1 : attention.Window, WindowRight = attention.Causal ? -1 : attention.WindowRight };

    static bool IsFinite(Tensor? constant) => constant?.ToDouble() is { } numbers && Array.TrueForAll(numbers, double.IsFinite);

    /// <summary>Query, key and value with the first two rotated. Packed ones are parted; queries and keys are rotated in one node.</summary>
    (Value Query, Value Key, Value Value) Rotated(LlmAttention attention, GraphBuilder build)
    {
        var query = attention[AttentionInput.Query]!;
        if (attention[AttentionInput.Key] is { } key)
            return (Rotate(query, attention.Heads, attention, build), Rotate(key, attention.KvHeads, attention, build), attention[AttentionInput.Value]!);
        long queries = attention.Heads * attention.HeadSize, keys = attention.KvHeads * attention.HeadSize, values = attention.KvHeads * attention.ValueHeadSize;
        var (both, value) = Part(query, queries + keys, values, build);
        (query, key) = Part(Rotate(both, attention.Heads + attention.KvHeads, attention, build), queries, keys, build);
        return (query, key, value);
    }

    (Value First, Value Second) Part(Value packed, long first, long second, GraphBuilder build)
    {
        var node = model.Opset >= 13 ? build.Node("Split", "", [packed, build.Constant(Tensor.Vector(first, second))], [("axis", 2L)])
            : build.Node("Split", "", [packed], [("axis", 2L), ("split", (long[])[first, second])]);
        Value Output(long width) => build.Output(node, "part", packed.Type! with { Shape = new TensorShape(packed.Type.Shape![0], packed.Type.Shape[1], width) });
        return (Output(first), Output(second));
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
