namespace OnnxEff.Ops;

/// <summary>Sizes of a call's tensors against those that they must have.</summary>
static class Sizes
{
    /// <summary>The sentence about a tensor of other sizes; null where they are right, and of an absent tensor.</summary>
    public static string? Refuse(string name, long[]? actual, long[] expected) =>
        actual is null || actual.AsSpan().SequenceEqual(expected) ? null : $"{name} is {Text(actual)}, not {Text(expected)}.";

    /// <summary>[2, 3]</summary>
    public static string Text(long[] dims) => $"[{string.Join(", ", dims)}]";
}
