namespace OnnxEff.Benchmarks.Table;

/// <summary>Tokens per second.</summary>
/// <param name="Mean">Their mean.</param>
/// <param name="Deviation">Their standard deviation.</param>
/// <param name="OverBase">The mean by that of the base, which took turns with it in the same process.</param>
sealed record Speed(double Mean, double Deviation, double OverBase);

/// <summary>What was measured of a form; null is not measured.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Form">The form's.</param>
/// <param name="Build">Of the tool: a digest of its executable and its libraries.</param>
sealed record TableRow(string Model, string Form, string Build)
{
    /// <summary>Bits of the quantised matrices with all side data, by weights.</summary>
    public double? BitsPerWeight { get; init; }

    /// <summary>Bytes of the whole model.</summary>
    public long? FileBytes { get; init; }

    /// <summary>Perplexity.</summary>
    public double? Perplexity { get; init; }

    /// <summary>Mean Kullback-Leibler divergence from the exported model, in nats.</summary>
    public double? Kl { get; init; }

    /// <summary>The share of positions with the exported model's most probable token.</summary>
    public double? TopOneAgreement { get; init; }

    /// <summary>How long quantising took.</summary>
    public double? Seconds { get; init; }

    /// <summary>Its peak memory.</summary>
    public long? PeakBytes { get; init; }

    /// <summary>Generation, one token after the other.</summary>
    public Speed? Generation { get; init; }

    /// <summary>A prompt.</summary>
    public Speed? Prompt { get; init; }

    /// <summary>Why the model cannot have this form.</summary>
    public string? Refusal { get; init; }
}
