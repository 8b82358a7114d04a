using OnnxEff.Ir;

namespace OnnxEff.Ops.Llm;

/// <summary>
/// The inputs by which a language model's graph learns of tokens, positions and the cache. Decoders have them by their
/// <see cref="DecoderSignature"/>; encoders, which have neither cache nor vocabulary at their end, by how their inputs are used.
/// </summary>
/// <param name="TokenIds">Token ids, [B, S].</param>
/// <param name="AttentionMask">Mask over all tokens, [B, P + S], or null.</param>
/// <param name="PositionIds">Positions, [B, S] or [S], or null.</param>
/// <param name="Caches">The KV cache; empty without one.</param>
/// <param name="Contents">Other integer inputs that say what tokens are, such as their types: nothing positional.</param>
public sealed record TokenInputs(Value TokenIds, Value? AttentionMask, Value? PositionIds, IReadOnlyList<CachePair> Caches, IReadOnlySet<Value> Contents)
{
    /// <summary>The inputs of a decoder.</summary>
    public static TokenInputs Of(DecoderSignature signature) =>
        new(signature.TokenIds, signature.AttentionMask, signature.PositionIds, signature.Caches, new HashSet<Value>());

    /// <summary>The inputs of a decoder or encoder; null if no input indexes an embedding table.</summary>
    public static TokenInputs? Of(Graph graph)
    {
        if (DecoderSignature.Recognise(graph, out _) is { } signature)
            return Of(signature);
        var inputs = graph.Inputs.Where(i => i.Initializer is null && (i.Type?.Element.IsInteger() == true || i.Type?.Element == ElementType.Bool)).ToList();
        if (InputUse.TokenIds(inputs, vocabulary: null) is not { } ids)
            return null;
        Value? mask = null, positions = null;
        var contents = new HashSet<Value>();
        foreach (var input in inputs.Where(i => i != ids))
        {
            // Types of tokens index a table as positions do, but neither is padding.
            var meaning = InputUse.MeaningOf(input, ids);
            if (meaning == InputMeaning.Mask && mask is null)
                mask = input;
            else if (meaning == InputMeaning.Positions && positions is null && input.Name.Contains("position", StringComparison.OrdinalIgnoreCase))
                positions = input;
            else
                contents.Add(input);
        }
        return new(ids, mask, positions, [], contents);
    }
}
