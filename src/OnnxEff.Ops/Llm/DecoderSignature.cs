using System.Diagnostics.CodeAnalysis;
using OnnxEff.Ir;

namespace OnnxEff.Ops.Llm;

/// <summary>One cached tensor of a layer: what goes in as past comes out, longer, as present.</summary>
/// <param name="Past">Graph input, [B, H, P, D] or another order of these axes.</param>
/// <param name="Present">Graph output, the same axes with P + S tokens.</param>
/// <param name="SequenceAxis">The axis that counts tokens.</param>
/// <param name="Reader">The node that joins past and new: a Concat or an attention operator.</param>
public sealed record CacheTensor(Value Past, Value Present, int SequenceAxis, Node Reader);

/// <summary>
/// What the inputs and outputs of a decoder are for, recognised from what the graph does with them and not from their
/// names: the ids index the largest embedding table, a present is computed from its past, the mask is as wide as past and
/// new tokens together, positions are shaped like the ids.
/// </summary>
public sealed record DecoderSignature
{
    /// <summary>Token ids, integer [B, S].</summary>
    public required Value Ids { get; init; }

    /// <summary>1 for tokens and 0 for padding, integer [B, P + S]; null if the graph has none.</summary>
    public Value? AttentionMask { get; init; }

    /// <summary>Position of each new token, integer [B, S]; null if the graph counts itself.</summary>
    public Value? PositionIds { get; init; }

    /// <summary>Cached tensors in the order of the past inputs; empty for a graph without cache.</summary>
    public required IReadOnlyList<CacheTensor> Cache { get; init; }

    /// <summary>Logits [B, S, V], or the last hidden state of an encoder.</summary>
    public required Value Logits { get; init; }

    /// <summary>Inputs that have none of these roles.</summary>
    public required IReadOnlyList<Value> Others { get; init; }

    /// <summary>Recognises the roles in a graph.</summary>
    /// <param name="graph">The main graph; types of inputs and initializers must be set, as readers set them.</param>
    /// <param name="signature">The roles.</param>
    /// <param name="because">If there are none: a sentence about the model.</param>
    public static bool TryRecognize(Graph graph, [NotNullWhen(true)] out DecoderSignature? signature, out string because)
    {
        signature = null;
        because = "";
        Value[] inputs = [.. graph.Inputs.Where(i => i.Initializer is null)];
        Value[] integers = [.. inputs.Where(i => i.Type is { Element: ElementType.Int64 or ElementType.Int32 })];
        var ids = integers.MaxBy(i => (TableSize(i), i.Name.Contains("input_ids", StringComparison.Ordinal) ? 1 : 0));
        if (ids is null || TableSize(ids) == 0)
        {
            because = "no integer input indexes an embedding table, so this is no decoder that takes token ids";
            return false;
        }
        CacheTensor[] cache = [.. inputs.Where(i => i.Type?.Element.IsFloat() == true || i.Type?.Shape?.Rank >= 3)
            .Select(TryFindPresent).OfType<CacheTensor>()];
        var logits = graph.Outputs.Where(o => cache.All(c => c.Present != o)).FirstOrDefault(o => o.Type?.Shape?.Rank is 3 or 2)
            ?? graph.Outputs.FirstOrDefault(o => cache.All(c => c.Present != o));
        if (logits is null)
        {
            because = "no output is left for logits beside the presents";
            return false;
        }
        Value[] flat = [.. integers.Where(i => i != ids && i.Type?.Shape is { Rank: 2 })];
        var positions = flat.FirstOrDefault(i => i.Type!.Shape!.Equals(ids.Type?.Shape) && IsPosition(i));
        var mask = flat.FirstOrDefault(i => i != positions && !i.Type!.Shape!.Equals(ids.Type?.Shape))
            ?? flat.FirstOrDefault(i => i != positions && TableSize(i) == 0);
        signature = new()
        {
            Ids = ids,
            AttentionMask = mask,
            PositionIds = positions,
            Cache = cache,
            Logits = logits,
            Others = [.. inputs.Where(i => i != ids && i != mask && i != positions && cache.All(c => c.Past != i))],
        };
        return true;
    }

    /// <summary>Operators that pass a value through as far as its role goes.</summary>
    static bool IsTransparent(Node node) => node.Domain.Length == 0 && node.OpType is "Reshape" or "Cast" or "Identity"
        or "Squeeze" or "Unsqueeze" or "Flatten" or "Transpose" or "Clip" or "Expand";

    /// <summary>Elements of the largest constant table that the value indexes, 0 if it indexes none.</summary>
    static long TableSize(Value value) => ReadersOf(value).Where(u => u.Index == 1 && u.Node.OpType is "Gather" or "GatherBlockQuantized")
        .Select(u => TableElements(u.Node.Input(0))).DefaultIfEmpty(0).Max();

    static long TableElements(Value? table) => table switch
    {
        { Constant: { Rank: >= 2 } constant } => constant.Count,
        { Producer: { } p } when IsTransparent(p) || p.OpType is "DequantizeLinear" => TableElements(p.Input(0)),
        _ => 0,
    };

    /// <summary>Positions end up in an angle, a rotation or an index.</summary>
    static bool IsPosition(Value value) => value.Name.Contains("position", StringComparison.Ordinal)
        || ReadersOf(value).Any(u => u.Node.OpType is "RotaryEmbedding" or "MatMul" or "Mul" or "Einsum"
            || (u.Node.OpType is "Gather" && u.Index == 1));

    /// <summary>Uses of a value, also behind transparent operators.</summary>
    static IEnumerable<Use> ReadersOf(Value value) => value.Uses.SelectMany(u =>
        IsTransparent(u.Node) && u.Index == 0 ? ReadersOf(u.Node.Result) : [u]);

    static CacheTensor? TryFindPresent(Value past)
    {
        foreach (var use in ReadersOf(past))
        {
            if (PresentSlot(use) is not { } slot || use.Node.Output(slot) is not { } joined)
                continue;
            if (OutputsBehind(joined).FirstOrDefault() is { } present)
                return new(past, present, SequenceAxisOf(past, use.Node), use.Node);
        }
        return null;
    }

    /// <summary>The output slot of the joining operator that grows out of the past read by this use.</summary>
    static int? PresentSlot(Use use) => (use.Node.OpType, use.Index) switch
    {
        ("Concat" or "ScatterND" or "ScatterElements" or "TensorScatter", _) => 0,
        ("GroupQueryAttention" or "BlockMaskedAttention" or "SparseAttention", 3) => 1,
        ("GroupQueryAttention" or "BlockMaskedAttention" or "SparseAttention", 4) => 2,
        ("MultiHeadAttention", 6) => 1,
        ("MultiHeadAttention", 7) => 2,
        ("Attention", 4) => 1,
        ("Attention", 5) when use.Node.Domain.Length == 0 => 2,
        _ => null,
    };

    static IEnumerable<Value> OutputsBehind(Value value) => value.IsOutput ? [value]
        : value.Uses.Where(u => IsTransparent(u.Node) && u.Index == 0).SelectMany(u => OutputsBehind(u.Node.Result));

    static int SequenceAxisOf(Value past, Node reader)
    {
        if (past.Type?.Shape is not { } shape)
            return 2;
        if (reader.OpType == "Concat" && reader.Inputs.Contains(past))
            return (int)((reader.Int("axis") + shape.Rank) % shape.Rank);
        var symbolic = Enumerable.Range(1, shape.Rank - 1).Where(a => !shape[a].IsConstant).ToArray();
        return symbolic.Length == 1 ? symbolic[0] : shape.Rank - 2;
    }
}
