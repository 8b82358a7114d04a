using OnnxEff.Ir;

namespace OnnxEff.Ops.Llm;

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
        return new(past, present, batchAxis, lengthAxis, sizes)
        {
            Window = present.Producer is { OpType: "GroupQueryAttention" } node && node.Int("sliding_window_cache") != 0 ? node.Int("local_window_size") : null,
        };
    }

    // Some exporters leave the head size symbolic; it follows from the width of the queries, or from what is joined with the cache.
    static long? HeadSize(Value past)
    {
        if (past.Uses.Select(u => u.Node).FirstOrDefault(IsCachedAttention) is not { } node)
            return past.Uses.Where(u => u.Node.Is("Concat")).SelectMany(u => u.Node.Inputs.Append(u.Node.Result))
                .Select(v => v?.Type?.Shape is { Rank: 4 } shape ? shape[-1].Constant : null).FirstOrDefault(size => size is not null);
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
