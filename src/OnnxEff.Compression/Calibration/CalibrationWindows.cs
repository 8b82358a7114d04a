using OnnxEff.Ir;
using OnnxEff.Ops.Llm;

namespace OnnxEff.Compression;

/// <summary>A text in windows of equal length, each one sequence without a past.</summary>
/// <param name="Tokens">The ids.</param>
/// <param name="Window">Tokens of a window.</param>
/// <param name="Count">Windows; they are spread evenly over the ids.</param>
public sealed record CalibrationWindows(int[] Tokens, int Window, int Count)
{
    /// <summary>Tokens of the shortest window.</summary>
    public const int Shortest = 32;

    /// <summary>Tokens of all windows.</summary>
    public long TokenCount => (long)Window * Count;

    /// <summary>Windows for a number of tokens: as many as there are, where the text is shorter.</summary>
    /// <exception cref="InvalidDataException">The text is shorter than 32 tokens, or holds ids that no vocabulary has.</exception>
    public static CalibrationWindows Of(int[] tokens, int wanted, int window)
    {
        if (tokens.Length < Shortest) throw new InvalidDataException($"The calibration text has {tokens.Length} tokens; at least {Shortest} are needed, and some thousand are good.");
        if (Array.FindIndex(tokens, id => id < 0) is >= 0 and var at) throw new InvalidDataException($"Token {at} of the calibration text is {tokens[at]}, which is no id.");
        window = Math.Min(window, tokens.Length);
        return new(tokens, window, Math.Clamp(wanted / window, 1, tokens.Length / window));
    }

    /// <summary>The graph's inputs for a window.</summary>
    public Dictionary<string, Tensor> Feeds(int index, DecoderSignature signature)
    {
        var start = Count == 1 ? 0 : (int)((long)(Tokens.Length / Window - 1) * index / (Count - 1)) * Window;
        var feeds = new Dictionary<string, Tensor>
        {
            [signature.TokenIds.Name] = Integers(signature.TokenIds, i => Tokens[start + i]),
        };
        if (signature.AttentionMask is { } mask) feeds[mask.Name] = Integers(mask, _ => 1);
        if (signature.PositionIds is { } positions) feeds[positions.Name] = Integers(positions, i => i);
        foreach (var cache in signature.Caches)
        {
            var dims = cache.Dims(1, cache.Window ?? 0);
            feeds[cache.Past.Name] = new(cache.Element, dims, new TensorData(new byte[cache.Element.ByteLength(Tensor.CountOf(dims))]));
        }
        return feeds;
    }

    Tensor Integers(Value input, Func<int, int> value)
    {
        long[] dims = input.Type?.Shape is { Rank: 1 } ? [Window] : [1, Window];
        int[] values = [.. Enumerable.Range(0, Window).Select(value)];
        return input.Type?.Element switch
        {
            ElementType.Int64 => Tensor.Create<long>(dims, Array.ConvertAll(values, v => (long)v)),
            ElementType.Int32 => Tensor.Create<int>(dims, values),
            ElementType.Bool => Tensor.Create<bool>(dims, Array.ConvertAll(values, v => v != 0)),
            _ => throw new NotSupportedException($"The input {input} holds neither integers of 32 or 64 bits nor truth values."),
        };
    }
}
