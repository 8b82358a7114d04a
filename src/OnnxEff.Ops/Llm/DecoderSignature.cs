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
    /// <summary>
    /// Tokens that a window cache holds: past and present are one buffer of at least this length, which keeps the latest tokens and
    /// never grows; null for a cache of all tokens.
    /// </summary>
    public long? Window { get; init; }

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

    /// <summary>True where a cache holds a window of tokens only: it cannot be cut back, and rows may not be padded.</summary>
    public bool HasWindowCache => Caches.Any(c => c.Window is not null);

    /// <summary>Tokens that the model knows, where the type of its logits says so.</summary>
    public long? Vocabulary => Logits.Type?.Shape?[-1].Constant;

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
