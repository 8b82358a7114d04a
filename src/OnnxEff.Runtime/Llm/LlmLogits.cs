namespace OnnxEff.Runtime;

/// <summary>Logits of one call, <c>[B, S, V]</c>; S is 1 where the graph computes the last position only.</summary>
public sealed class LlmLogits : IDisposable
{
    readonly OrtTensor tensor;

    /// <summary>Takes ownership of a tensor <c>[B, S, V]</c> or <c>[B, V]</c>.</summary>
    public LlmLogits(OrtTensor tensor)
    {
        var dims = tensor.Dims;
        if (dims.Length is not (2 or 3))
            throw new ArgumentException($"Logits of shape [{string.Join(", ", dims.ToArray())}]: [B, S, V] or [B, V] is expected.");
        this.tensor = tensor;
        Rows = checked((int)dims[0]);
        Positions = dims.Length == 3 ? checked((int)dims[1]) : 1;
        Vocabulary = checked((int)dims[^1]);
    }

    /// <summary>B.</summary>
    public int Rows { get; }

    /// <summary>S.</summary>
    public int Positions { get; }

    /// <summary>V.</summary>
    public int Vocabulary { get; }

    /// <summary>The tensor.</summary>
    public OrtTensor Tensor => tensor;

    /// <summary>The logits of one position.</summary>
    /// <param name="row">The sequence.</param>
    /// <param name="position">The position; negative ones count from the end.</param>
    /// <param name="destination">V floats.</param>
    public void CopyTo(int row, int position, Span<float> destination)
    {
        if (position < 0) position += Positions;
        if ((uint)row >= (uint)Rows || (uint)position >= (uint)Positions)
            throw new ArgumentOutOfRangeException(nameof(position), $"Logits {row}, {position} of [{Rows}, {Positions}].");
        tensor.CopyRow((long)row * Positions + position, destination);
    }

    /// <summary>The most probable token of one position; the lower id where two are equal.</summary>
    public int ArgMax(int row, int position)
    {
        var logits = new float[Vocabulary];
        CopyTo(row, position, logits);
        return IndexOfMax(logits);
    }

    /// <summary>The index of the largest number; the first of equals, 0 if all are NaN.</summary>
    public static int IndexOfMax(ReadOnlySpan<float> values)
    {
        var best = 0;
        for (var i = 1; i < values.Length; i++)
            if (values[i] > values[best] || float.IsNaN(values[best])) best = i;
        return best;
    }

    /// <summary>Releases the tensor.</summary>
    public void Dispose() => tensor.Dispose();
}
