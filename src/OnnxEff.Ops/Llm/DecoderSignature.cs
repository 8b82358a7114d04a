using OnnxEff.Ir;

namespace OnnxEff.Ops.Llm;

/// <summary>One tensor of a KV cache: the input it comes in by and the output it leaves by.</summary>
/// <param name="Past">The graph input.</param>
/// <param name="Present">The graph output that is computed from it.</param>
/// <param name="BatchAxis">The axis of sequences.</param>
/// <param name="LengthAxis">The axis of cached tokens.</param>
/// <param name="Sizes">The sizes of the other axes; 0 at the batch and length axes.</param>
public sealed record CachePair(Value Past, Value Present, int BatchAxis, int LengthAxis, IReadOnlyList<long> Sizes)
{
    /// <summary>Element type of both.</summary>
    public ElementType Element => Past.Type!.Element;

    /// <summary>The dimensions of a cache of so many sequences and tokens.</summary>
    public long[] Dims(long batch, long length) =>
        [.. Sizes.Select((size, axis) => axis == BatchAxis ? batch : axis == LengthAxis ? length : size)];
}

/// <summary>
/// What the inputs and outputs of a decoder graph mean, found from what the graph does with them: token ids index the
/// embedding table, positions become angles or index a table, the mask becomes truth values or row lengths, and a present is
/// paired with the past that it is computed from. Names only break ties.
/// </summary>
public sealed record DecoderSignature
{
    /// <summary>Token ids, <c>[B, S]</c>.</summary>
    public required Value TokenIds { get; init; }

    /// <summary>Mask over all tokens, <c>[B, P + S]</c>; null where the graph takes none.</summary>
    public required Value? AttentionMask { get; init; }

    /// <summary>Positions, <c>[B, S]</c> or <c>[S]</c>; null where the graph takes none.</summary>
    public required Value? PositionIds { get; init; }

    /// <summary>Logits, <c>[B, S, V]</c>, or of the last position only.</summary>
    public required Value Logits { get; init; }

    /// <summary>The KV cache, in the order of the graph's inputs; empty for a graph without.</summary>
    public required IReadOnlyList<CachePair> Caches { get; init; }

    /// <summary>True where every reader of the caches can write in place, so that past and present may be one buffer.</summary>
    public required bool AllowsSharedBuffers { get; init; }

    /// <summary>
    /// True where the length of each sequence is the sum of its mask: a batch is padded on the right, and a sequence's next
    /// token is stored behind its last one.
    /// </summary>
    public required bool RowLengthsFromMask { get; init; }

    /// <summary>Reads a graph's signature.</summary>
    /// <param name="graph">The main graph of a model.</param>
    /// <param name="refusal">If null is returned: why the graph is not understood as a decoder.</param>
    public static DecoderSignature? Recognise(Graph graph, out string refusal)
    {
        var inputs = graph.Inputs.Where(i => i.Initializer is null).ToList();
        var pairs = CachePairing.Find(graph, inputs, out refusal);
        if (pairs is null) return null;
        var logits = graph.Outputs.Where(o => pairs.All(p => p.Present != o) && IsLogits(o))
            .OrderByDescending(o => o.Name.Contains("logit", StringComparison.OrdinalIgnoreCase))
            .ThenByDescending(o => o.Type?.Shape?[-1].Constant ?? 0).FirstOrDefault();
        if (logits is null) return Refuse("no output is shaped like logits", out refusal);

        var rest = inputs.Where(i => pairs.All(p => p.Past != i)).ToList();
        var ids = InputUse.TokenIds(rest, logits.Type?.Shape?[-1].Constant);
        if (ids is null) return Refuse("no integer input indexes an embedding table", out refusal);

        Value? mask = null, positions = null;
        foreach (var input in rest.Where(i => i != ids))
        {
            var meaning = InputUse.MeaningOf(input, ids);
            if (meaning == InputMeaning.Mask && mask is null) mask = input;
            else if (meaning == InputMeaning.Positions && positions is null) positions = input;
            else return Refuse($"the input {input} is neither token ids, mask, positions nor a cache", out refusal);
        }

        if (pairs.Count == 0 && !InputUse.IndexesVocabulary(ids, logits.Type?.Shape?[-1].Constant))
            return Refuse("it has neither a cache nor an output as wide as its embedding table is long", out refusal);
        return new()
        {
            TokenIds = ids,
            AttentionMask = mask,
            PositionIds = positions,
            Logits = logits,
            Caches = pairs,
            AllowsSharedBuffers = pairs.Count > 0 && mask is not null && pairs.All(p => CachePairing.WritesInPlace(p)),
            RowLengthsFromMask = mask is not null && pairs.Any(p => CachePairing.TakesRowLengths(p)),
        };
    }

    static bool IsLogits(Value output) => output.Type is null
        || (output.Type.Element.IsFloat() && output.Type.Shape is null or { Rank: 2 or 3 });

    static DecoderSignature? Refuse(string reason, out string refusal)
    {
        refusal = $"The graph is not understood as a decoder: {reason}.";
        return null;
    }
}

/// <summary>Pairs presents with the pasts that they are computed from.</summary>
static class CachePairing
{
    // They move, extend or overwrite a cache, and compute nothing.
    static readonly HashSet<string> Movements = ["Identity", "Cast", "Concat", "Transpose", "Reshape", "Unsqueeze", "Squeeze",
        "Slice", "Expand", "TensorScatter", "ScatterND", "ScatterElements", "Where"];

    public static List<CachePair>? Find(Graph graph, IReadOnlyList<Value> inputs, out string refusal)
    {
        refusal = "";
        var candidates = inputs.Where(i => i.Type?.Shape is { Rank: >= 3 } && i.Type.Element != ElementType.Bool).ToHashSet();
        var presents = new Dictionary<Value, Value>();
        foreach (var output in graph.Outputs)
        {
            if (PastOf(output, candidates) is not { } past) continue;
            if (!presents.TryAdd(past, output))
            {
                refusal = $"The graph is not understood as a decoder: the outputs {presents[past].Name} and {output.Name} are both "
                    + $"computed from the cache {past.Name}.";
                return null;
            }
        }

        var pairs = new List<CachePair>();
        foreach (var past in inputs.Where(presents.ContainsKey))
        {
            if (Describe(past, presents[past], out refusal) is not { } pair) return null;
            pairs.Add(pair);
        }
        return pairs;
    }

    /// <summary>True where the cache is read only by an operator that appends in place when both are one buffer.</summary>
    public static bool WritesInPlace(CachePair pair) => pair.Past.Uses is [var use]
        && IsCachedAttention(use.Node) && use.Node == pair.Present.Producer && pair.Present.Uses.Count == 0
        && (use.Node.OpType != "BlockMaskedAttention" || KnowsItsLength(use.Node));

    /// <summary>True where the cache's operator takes the length of each row from a sum over the mask.</summary>
    public static bool TakesRowLengths(CachePair pair)
    {
        if (pair.Present.Producer is not { } node || !IsCachedAttention(node)) return false;
        var lengths = node.Input(node.OpType == "GroupQueryAttention" ? 5 : 6);
        for (var depth = 0; depth < 12 && lengths?.Producer is { } producer; depth++)
        {
            if (producer.OpType is "ReduceSum" or "ReduceMax") return true;
            if (producer.OpType == "Shape") return false;
            lengths = producer.Input(0);
        }
        return false;
    }

    static bool IsCachedAttention(Node node) =>
        node.Is("GroupQueryAttention", "com.microsoft") || node.Is("BlockMaskedAttention", "onnxeff");

    // key_mask, total_sequence_length or bias says how much of a buffer is filled; the buffer's own size does not.
    static bool KnowsItsLength(Node node) => (node.Input(5) ?? node.Input(7) ?? node.Input(11)) is not null;

    static Value? PastOf(Value output, HashSet<Value> candidates)
    {
        var seen = new HashSet<Value>();
        var work = new Stack<Value>([output]);
        while (work.TryPop(out var value))
        {
            if (!seen.Add(value)) continue;
            if (candidates.Contains(value)) return value;
            if (value.Producer is not { } node) continue;
            if (Movements.Contains(node.OpType) && node.Domain.Length == 0)
                foreach (var input in DataInputs(node)) work.Push(input);
            else if (PairedInput(node, value, candidates) is { } past)
                return past;
        }
        return null;
    }

    // Shapes, indices and conditions are no data.
    static IEnumerable<Value> DataInputs(Node node) => node.OpType switch
    {
        "Concat" => node.Inputs.OfType<Value>().Reverse(),
        "TensorScatter" => node.Inputs.Take(2).OfType<Value>().Reverse(),
        "ScatterND" or "ScatterElements" => ((Value?[])[node.Input(2), node.Input(0)]).OfType<Value>(),
        "Where" => node.Inputs.Skip(1).OfType<Value>(),
        _ => node.Inputs.Take(1).OfType<Value>(),
    };

    // Attention operators list key before value on both sides, after their first output: the n-th cache that goes in belongs
    // to the n-th that comes out.
    static Value? PairedInput(Node node, Value output, HashSet<Value> candidates)
    {
        if (output.OutputIndex == 0) return null;
        var caches = node.Inputs.OfType<Value>().Select(i => ThroughMovements(i, candidates)).OfType<Value>().Distinct().ToList();
        var index = output.OutputIndex - 1;
        return index < caches.Count ? caches[index] : null;
    }

    static Value? ThroughMovements(Value value, HashSet<Value> candidates)
    {
        while (!candidates.Contains(value))
        {
            if (value.Producer is not { } node || node.Domain.Length > 0
                || node.OpType is not ("Identity" or "Cast" or "Transpose" or "Reshape")) return null;
            value = node.Inputs[0]!;
        }
        return value;
    }

    static CachePair? Describe(Value past, Value present, out string refusal)
    {
        var shape = past.Type!.Shape!;
        var batchAxis = shape.Rank >= 5 ? 1 : 0; // a stacked [2, B, H, P, D], or [B, H, P, D]
        var lengthAxis = shape.Rank - 2;
        if (present.Producer is { OpType: "Concat", Domain: "" } concat && concat.Inputs.Contains(past))
            lengthAxis = (int)(concat.Int("axis") + shape.Rank) % shape.Rank;

        var sizes = new long[shape.Rank];
        for (var axis = 0; axis < sizes.Length; axis++)
        {
            if (axis == batchAxis || axis == lengthAxis) continue;
            var size = shape[axis].Constant ?? present.Type?.Shape?[axis].Constant
                ?? (axis == shape.Rank - 1 ? HeadSize(past) : null);
            if (size is not > 0)
            {
                refusal = $"The graph is not understood as a decoder: the size of axis {axis} of the cache {past} is not known.";
                return null;
            }
            sizes[axis] = size.Value;
        }
        refusal = "";
        return new(past, present, batchAxis, lengthAxis, sizes);
    }

    // Some exporters leave the head size symbolic; it follows from the width of the queries.
    static long? HeadSize(Value past)
    {
        if (past.Uses.Select(u => u.Node).FirstOrDefault(IsCachedAttention) is not { } node) return null;
        var heads = node.Int("num_heads");
        if (node.Input(1) is null) heads += 2 * node.Int("kv_num_heads"); // query holds query, key and value
        return heads > 0 && node.Input(0) is { } query && Width(query, depth: 8) is { } width && width % heads == 0
            ? width / heads : null;
    }

    static long? Width(Value value, int depth)
    {
        if (value.Type?.Shape is { Rank: > 0 } shape && shape[-1].Constant is { } known) return known;
        if (depth == 0 || value.Producer is not { } node) return null;
        return node.OpType switch
        {
            "MatMul" => node.Input(1)?.Type?.Shape is { Rank: 2 } weight ? weight[1].Constant : null,
            "MatMulNBits" => node.Int("N"),
            "Add" => Width(node.Inputs[0]!, depth - 1) ?? Width(node.Inputs[1]!, depth - 1),
            "Identity" or "Cast" => Width(node.Inputs[0]!, depth - 1),
            _ => null,
        };
    }
}

/// <summary>What an integer input of a decoder says.</summary>
enum InputMeaning
{
    Unknown,
    Mask,
    Positions,
}

/// <summary>Tells token ids, masks and positions apart by the operators that read them.</summary>
static class InputUse
{
    // The numbers stay what they are.
    static readonly HashSet<string> Carriers = ["Identity", "Cast", "Unsqueeze", "Squeeze", "Reshape", "Expand", "Transpose",
        "Slice", "Flatten", "Clip", "Max", "Add"];

    public static Value? TokenIds(IReadOnlyList<Value> inputs, long? vocabulary) => inputs
        .Where(i => i.Type is { Shape: null or { Rank: 1 or 2 } } && i.Type.Element.IsInteger())
        .Select(i => (Input: i, Tables: Reads(i).Where(IsTableLookup).Select(u => u.Node).ToList()))
        .Where(c => c.Tables.Count > 0)
        .OrderByDescending(c => vocabulary is null || c.Tables.Any(t => HasRows(t, vocabulary.Value)))
        .ThenBy(c => c.Input.Name.Contains("position", StringComparison.OrdinalIgnoreCase))
        .Select(c => c.Input).FirstOrDefault();

    /// <summary>True where the ids index a table with as many rows as there are logits.</summary>
    public static bool IndexesVocabulary(Value ids, long? vocabulary) => vocabulary is { } size
        && Reads(ids).Where(IsTableLookup).Any(use => HasRows(use.Node, size));

    public static InputMeaning MeaningOf(Value input, Value ids)
    {
        if (input.Type is not { Shape: { } shape } || !(input.Type.Element.IsInteger() || input.Type.Element == ElementType.Bool)
            || shape.Rank is not (1 or 2))
            return InputMeaning.Unknown;

        var uses = Reads(input).ToList();
        var (asMask, asPositions) = (uses.Any(ReadsMask), uses.Any(ReadsPositions));
        if (asMask != asPositions) return asMask ? InputMeaning.Mask : InputMeaning.Positions;

        var length = ids.Type?.Shape is { Rank: > 0 } idShape ? idShape[-1] : null;
        if (length is not null) return shape[-1] == length ? InputMeaning.Positions : InputMeaning.Mask;
        return input.Name.Contains("mask", StringComparison.OrdinalIgnoreCase) ? InputMeaning.Mask : InputMeaning.Positions;
    }

    // Every place that reads the input's numbers, whatever their shape or type became.
    static IEnumerable<Use> Reads(Value input)
    {
        var seen = new HashSet<Value>();
        var work = new Stack<Value>([input]);
        while (work.TryPop(out var value))
        {
            if (!seen.Add(value)) continue;
            foreach (var use in value.Uses)
            {
                yield return use;
                if (use.Node.Domain.Length == 0 && Carriers.Contains(use.Node.OpType) && (use.Index == 0 || use.Node.OpType == "Add")
                    && !BecomesBool(use.Node))
                    work.Push(use.Node.Result);
            }
        }
    }

    static bool IsTableLookup(Use use) => use.Index == 1 && use.Node.OpType is "Gather" or "GatherBlockQuantized"
        && use.Node.Input(0) is { } table && IsConstant(table, depth: 6);

    static bool IsConstant(Value value, int depth) => value.Constant is not null
        || (depth > 0 && value.Producer is { } node && node.Inputs.OfType<Value>().All(i => IsConstant(i, depth - 1)));

    // Rows of a table that is computed, say transposed, are one of its dimensions.
    static bool HasRows(Node lookup, long count) => lookup.Input(0) switch
    {
        { Constant: { Rank: > 0 } table } => table.Dims[(int)(lookup.Int("axis") + table.Rank) % table.Rank] == count,
        { } table => HasDimension(table, count),
        null => false,
    };

    static bool HasDimension(Value table, long size) => table.Type?.Shape?.Any(d => d.Constant == size) == true
        || table.Producer?.Inputs.OfType<Value>().Any(i => HasDimension(i, size)) == true;

    static bool ReadsMask(Use use) => use.Node.OpType switch
    {
        "Cast" => BecomesBool(use.Node),
        "ReduceSum" or "CumSum" or "Equal" or "Not" or "GatherND" or "And" => true,
        "Sub" => use.Index == 1 && IsConstant(use.Node.Inputs[0]!, depth: 2), // 1 - mask
        "Where" or "Gather" => use.Index == 0,
        "BlockMaskedAttention" => use.Index == 5,
        _ => false,
    };

    static bool ReadsPositions(Use use) => use.Node.OpType switch
    {
        "MatMul" or "Einsum" or "RotaryEmbedding" => true,
        "Mul" => use.Node.Inputs[1 - use.Index] is { } factor && IsConstant(factor, depth: 4) && factor.Type?.Shape is not { Rank: 0 },
        "Gather" => use.Index == 1,
        "BlockMaskedAttention" => use.Index == 8,
        "GroupQueryAttention" => use.Index == 9,
        _ => false,
    };

    static bool BecomesBool(Node node) => node.OpType == "Cast" && node.Int("to") == (long)ElementType.Bool;
}
