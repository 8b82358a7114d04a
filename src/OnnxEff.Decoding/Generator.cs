using System.Diagnostics;
using OnnxEff.Runtime;

namespace OnnxEff.Decoding;

/// <summary>How much is generated.</summary>
public sealed record GenerationOptions
{
    /// <summary>The most tokens to add.</summary>
    public int MaxTokens { get; init; } = 64;

    /// <summary>Tokens that end the text; the one that did is part of the result.</summary>
    public IReadOnlyCollection<int> StopTokens { get; init; } = [];

    /// <summary>How tokens are drawn.</summary>
    public SamplingOptions Sampling { get; init; } = new();
}

/// <summary>What was generated, and how fast.</summary>
/// <param name="Tokens">The new tokens.</param>
/// <param name="Prompt">Time for the prompt, up to the first new token.</param>
/// <param name="Decoding">Time for all further tokens.</param>
public sealed record Generation(IReadOnlyList<int> Tokens, TimeSpan Prompt, TimeSpan Decoding)
{
    /// <summary>Tokens per second after the first; 0 if there are none.</summary>
    public double TokensPerSecond => Tokens.Count > 1 ? (Tokens.Count - 1) / Decoding.TotalSeconds : 0;
}

/// <summary>Generates token by token.</summary>
public static class Generator
{
    /// <summary>Continues a prompt.</summary>
    /// <param name="session">The decoder. It is reset first.</param>
    /// <param name="prompt">At least one token.</param>
    /// <param name="options">How much, and how tokens are drawn.</param>
    /// <param name="onToken">Called with each new token as soon as it is known.</param>
    /// <param name="cancellation">Ends the generation after the token under way.</param>
    /// <exception cref="ArgumentException">The prompt is empty.</exception>
    public static Generation Generate(LlmSession session, ReadOnlySpan<int> prompt, GenerationOptions options,
        Action<int>? onToken = null, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(options.MaxTokens);
        var sampler = new Sampler(options.Sampling);
        var tokens = new List<int>();
        session.Reset();

        var clock = Stopwatch.StartNew();
        var next = Draw(session.Forward(prompt), sampler);
        var first = clock.Elapsed;
        while (tokens.Count < options.MaxTokens)
        {
            tokens.Add(next);
            onToken?.Invoke(next);
            if (tokens.Count == options.MaxTokens || options.StopTokens.Contains(next) || cancellation.IsCancellationRequested) break;
            next = Draw(session.Forward(next), sampler);
        }
        return new(tokens, first, clock.Elapsed - first);
    }

    static int Draw(LlmLogits logits, Sampler sampler)
    {
        using (logits)
        {
            var last = new float[logits.Vocabulary];
            logits.CopyTo(0, -1, last);
            return sampler.Pick(last);
        }
    }
}
