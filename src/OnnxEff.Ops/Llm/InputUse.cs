using OnnxEff.Ir;

namespace OnnxEff.Ops.Llm;

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

    static bool IsTableLookup(Use use) => use.Index == 1 && use.Node.OpType is "Gather" or "GatherBlockQuantized" or "AffineGather"
        && use.Node.Input(0) is { } table && IsConstant(table, depth: 6);

    static bool IsConstant(Value value, int depth) => value.Constant is not null
        || (depth > 0 && value.Producer is { } node && node.Inputs.OfType<Value>().All(i => IsConstant(i, depth - 1)));

    // Rows of a table that is computed, say transposed, are one of its dimensions.
    static bool HasRows(Node lookup, long count) => lookup.Input(0) switch
    {
        _ when lookup.OpType == "AffineGather" => lookup.Int("N") == count,
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
