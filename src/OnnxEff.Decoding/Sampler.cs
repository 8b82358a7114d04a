using OnnxEff.Runtime;

namespace OnnxEff.Decoding;

/// <summary>How the next token is drawn. The default is greedy.</summary>
public sealed record SamplingOptions
{
    /// <summary>Divides the logits; 0 takes the most probable token.</summary>
    public double Temperature { get; init; }

    /// <summary>Only the k most probable tokens; 0 for all.</summary>
    public int TopK { get; init; }

    /// <summary>Only the most probable tokens that together reach this probability.</summary>
    public double TopP { get; init; } = 1;

    /// <summary>Equal seeds draw equal tokens from equal logits.</summary>
    public int Seed { get; init; }
}

/// <summary>Draws tokens from logits.</summary>
public sealed class Sampler
{
    readonly SamplingOptions options;
    readonly Random random;

    /// <exception cref="ArgumentOutOfRangeException">An option that no distribution has.</exception>
    public Sampler(SamplingOptions options)
    {
        if (!(options.Temperature >= 0 && double.IsFinite(options.Temperature)))
            throw new ArgumentOutOfRangeException(nameof(options), $"The temperature {options.Temperature} is not 0 or more.");
        ArgumentOutOfRangeException.ThrowIfNegative(options.TopK);
        if (!(options.TopP is > 0 and <= 1))
            throw new ArgumentOutOfRangeException(nameof(options), $"top-p {options.TopP} is not in (0, 1].");
        this.options = options;
        random = new(options.Seed);
    }

    /// <summary>The next token.</summary>
    public int Pick(ReadOnlySpan<float> logits)
    {
        if (options.Temperature == 0) return LlmLogits.IndexOfMax(logits);

        var weights = logits.ToArray();
        var ids = new int[weights.Length];
        for (var i = 0; i < ids.Length; i++) (ids[i], weights[i]) = (i, -weights[i]);
        Array.Sort(weights, ids); // the most probable first
        var count = options.TopK > 0 ? Math.Min(options.TopK, ids.Length) : ids.Length;

        var probabilities = new double[count];
        double sum = 0;
        for (var i = 0; i < count; i++) sum += probabilities[i] = Math.Exp((weights[0] - weights[i]) / options.Temperature);
        double kept = 0;
        var end = 0;
        while (end < count && (end == 0 || kept < options.TopP * sum)) kept += probabilities[end++];

        var draw = random.NextDouble() * kept;
        for (var i = 0; i < end; i++)
            if ((draw -= probabilities[i]) < 0) return ids[i];
        return ids[end - 1];
    }
}
