namespace OnnxEff.Runtime;

/// <summary>How a stream of tokens is cut into windows.</summary>
public sealed record PerplexityOptions
{
    /// <summary>Tokens that a window feeds to the model.</summary>
    public int Window { get; init; } = 512;

    /// <summary>
    /// From one window's first token to the next's; null for <see cref="Window"/>. A shorter stride scores each token once,
    /// with more context; a longer one leaves out the text between windows.
    /// </summary>
    public int? Stride { get; init; }

    /// <summary>
    /// True if a window's last position is scored too, by the token behind the window; false if only tokens inside of windows
    /// are, so that a window of n tokens has n - 1 scores.
    /// </summary>
    public bool ScoresBeyondWindow { get; init; }

    /// <summary>The most windows; null for all. An incomplete last window is dropped.</summary>
    public int? MaxWindows { get; init; }
}

/// <summary>The perplexity of a model over a stream.</summary>
/// <param name="Perplexity">exp of <paramref name="MeanNll"/>.</param>
/// <param name="MeanNll">Mean negative log-likelihood of the scored tokens, in nats.</param>
/// <param name="Scored">How many tokens were scored.</param>
/// <param name="TopOne">The share of scored tokens that the model found most probable.</param>
/// <param name="WindowNll">The mean of each window.</param>
/// <param name="Seconds">Time spent in the model.</param>
/// <param name="ToReference">Distance to the reference model, where one was given.</param>
public sealed record PerplexityReport(double Perplexity, double MeanNll, int Scored, double TopOne,
    IReadOnlyList<double> WindowNll, double Seconds, LogitDistance? ToReference);

/// <summary>Measures perplexity.</summary>
public static class PerplexityMeter
{
    /// <summary>Feeds the stream window by window, each without any past.</summary>
    /// <param name="session">The model; it is reset.</param>
    /// <param name="tokens">The stream.</param>
    /// <param name="options">How it is cut.</param>
    /// <param name="reference">Another model with the same vocabulary, to which the distance is measured.</param>
    /// <param name="onWindow">Called after each window with the number of windows done and of all.</param>
    /// <exception cref="ArgumentException">The stream is shorter than one window, or a size is not positive.</exception>
    public static PerplexityReport Measure(LlmSession session, ReadOnlySpan<int> tokens, PerplexityOptions options,
        LlmSession? reference = null, Action<int, int>? onWindow = null)
    {
        var stride = options.Stride ?? options.Window;
        if (options.Window < 2 || stride < 1)
            throw new ArgumentException($"A window of {options.Window} tokens at stride {stride}: stride >= 1 and window >= 2 are needed.");
        var reach = options.Window + (options.ScoresBeyondWindow ? 1 : 0);
        if (tokens.Length < reach)
            throw new ArgumentException($"The text has {tokens.Length} tokens, one window takes {reach}.");
        var windows = Math.Min((tokens.Length - reach) / stride + 1, options.MaxWindows ?? int.MaxValue);

        var nll = new double[windows];
        var distance = new LogitDistanceMeter();
        var scored = 0;
        var hits = 0;
        double sum = 0;
        var clock = new System.Diagnostics.Stopwatch();
        for (var w = 0; w < windows; w++)
        {
            var input = tokens.Slice(w * stride, options.Window);
            var last = options.Window - (options.ScoresBeyondWindow ? 0 : 1); // positions before it have a target
            var first = w == 0 ? 0 : last - stride; // the others were scored by earlier windows
            clock.Start();
            session.Reset();
            using var logits = session.Forward(input);
            clock.Stop();
            Require(logits, options.Window);
            reference?.Reset();
            using var other = reference?.Forward(input);

            var row = new float[logits.Vocabulary];
            var otherRow = new float[other?.Vocabulary ?? 0];
            for (var t = Math.Max(0, first); t < last; t++)
            {
                var target = tokens[w * stride + t + 1];
                logits.CopyTo(0, t, row);
                if ((uint)target >= (uint)row.Length)
                    throw new ArgumentException($"Token {target} is outside of the model's vocabulary of {row.Length}.");
                nll[w] += LogitDistanceMeter.LogSumExp(row) - row[target];
                scored++;
                if (LlmLogits.IndexOfMax(row) == target) hits++;
                if (other is null) continue;
                other.CopyTo(0, t, otherRow);
                distance.Add(otherRow, row);
            }
            sum += nll[w];
            nll[w] /= last - Math.Max(0, first);
            onWindow?.Invoke(w + 1, windows);
        }
        var mean = sum / scored;
        return new(Math.Exp(mean), mean, scored, (double)hits / scored, nll, clock.Elapsed.TotalSeconds,
            reference is null ? null : distance.Result);
    }

    static void Require(LlmLogits logits, int positions)
    {
        if (logits.Positions != positions)
            throw new NotSupportedException("Perplexity needs the logits of all positions; this graph computes only the last ones.");
    }
}
