namespace OnnxEff.GraphPasses.Raise.Positions;

/// <summary>
/// What a mask means: query i of row b (at index P + i) sees key j if all of the parts that are present say so.
/// </summary>
/// <param name="Causal">j ≤ P + i.</param>
/// <param name="Window">j &gt; P + i − W: the last W keys including the query's own; null for no window.</param>
/// <param name="Padding">The attention mask's entry for key j of row b is not 0.</param>
public sealed record MaskFact(bool Causal, long? Window, bool Padding)
{
    /// <summary>j ≤ P + i + R: keys behind the query's own that it sees; null for all.</summary>
    public long? WindowRight { get; init; }

    /// <summary>⌊j / C⌋ = ⌊(P + i) / C⌋; null for no chunks.</summary>
    public long? Chunk { get; init; }

    /// <summary>True if chunks are counted from a row's first token, false if from index 0.</summary>
    public bool ChunkFromFirstToken { get; init; }

    /// <summary>True if the query sees the key.</summary>
    public bool Sees(PositionSample sample, int row, int query, int key)
    {
        var at = sample.Past + query;
        return (!Causal || key <= at) && (Window is not { } w || key > at - w) && (WindowRight is not { } r || key <= at + r)
            && (Chunk is not { } c || IsOneChunk(c, ChunkFromFirstToken ? sample.FirstToken(row) : 0, key, at))
            && (!Padding || sample.IsToken(row, key));
    }

    /// <summary>The fact in words: <c>causal, window 4096, padding</c>.</summary>
    public override string ToString()
    {
        string[] parts = [.. Causal ? ["causal"] : (string[])[], .. Window is { } w ? [$"window {w}"] : (string[])[],
            .. WindowRight is { } r ? [$"{r} keys ahead"] : (string[])[],
            .. Chunk is { } c ? [$"chunks of {c}{(ChunkFromFirstToken ? " from the first token" : "")}"] : (string[])[],
            .. Padding ? ["padding"] : (string[])[]];
        return parts.Length == 0 ? "none" : string.Join(", ", parts);
    }

    static bool IsOneChunk(long size, long origin, long a, long b) => Math.Floor((double)(a - origin) / size) == Math.Floor((double)(b - origin) / size);
}

/// <summary>What all masks of an attention mean together.</summary>
/// <param name="Rule">Which keys are seen; null if no rule says it.</param>
/// <param name="Slopes">ALiBi: for each head, what the logit of a key gains for each index that it lies further back; null without.</param>
/// <param name="HasBias">True if the masks also add numbers that no rule says, so that they must stay tensors.</param>
/// <param name="Because">How the meaning was established, or why there is none.</param>
public sealed record MaskMeaning(MaskFact? Rule, IReadOnlyList<double>? Slopes, bool HasBias, string Because)
{
    /// <summary>True if no rule says the masks, but all they do on every sample is to hide keys.</summary>
    public bool OnlyHides { get; init; }
}
