namespace OnnxEff.GraphPasses.Raise.Positions;

/// <summary>
/// What a mask means: query i of row b (at index P + i) sees key j if all of the parts that are present say so.
/// </summary>
/// <param name="Causal">j ≤ P + i.</param>
/// <param name="Window">j &gt; P + i − W: the last W keys including the query's own; null for no window.</param>
/// <param name="Padding">The attention mask's entry for key j of row b is not 0.</param>
public sealed record MaskFact(bool Causal, long? Window, bool Padding)
{
    /// <summary>True if the query sees the key.</summary>
    public bool Sees(PositionSample sample, int row, int query, int key)
    {
        var at = sample.Past + query;
        return (!Causal || key <= at) && (Window is not { } w || key > at - w) && (!Padding || sample.IsToken(row, key));
    }

    /// <summary>The fact in words: <c>causal, window 4096, padding</c>.</summary>
    public override string ToString()
    {
        string[] parts = [.. Causal ? ["causal"] : (string[])[], .. Window is { } w ? [$"window {w}"] : (string[])[],
            .. Padding ? ["padding"] : (string[])[]];
        return parts.Length == 0 ? "none" : string.Join(", ", parts);
    }
}
