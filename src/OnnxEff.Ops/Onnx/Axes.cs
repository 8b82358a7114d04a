using OnnxEff.Ir;

namespace OnnxEff.Ops.Onnx;

/// <summary>Axes given by an attribute <c>axes</c>, or, in newer operators, by input 1.</summary>
public static class Axes
{
    /// <summary>The axes as written; null if they are absent or no constant.</summary>
    public static long[]? Of(Node node) => node.Ints("axes") ?? node.Input(1)?.Constant?.ToInt64();

    /// <summary>True if both lists name the same axes of a tensor; the rank is needed where only one counts from the end.</summary>
    public static bool AreSame(long[] a, long[] b, int? rank) => rank is { } known
        ? Normalise(a, known).AsSpan().SequenceEqual(Normalise(b, known))
        : a.Order().SequenceEqual(b.Order());

    /// <summary>The axes counted from the front, in ascending order.</summary>
    public static long[] Normalise(long[] axes, int rank) => [.. axes.Select(a => a < 0 ? a + rank : a).Order()];
}
