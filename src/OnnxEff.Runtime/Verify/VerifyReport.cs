using System.Text.Json;

namespace OnnxEff.Runtime;

/// <summary>How far two tensors are apart on the positions that mean something.</summary>
/// <param name="Name">The output.</param>
/// <param name="MaxAbsolute">The largest absolute difference.</param>
/// <param name="Magnitude">The largest absolute value of the first file's tensor.</param>
/// <param name="Passed">True if <see cref="MaxRelative"/> is within the tolerance and both are finite in the same places.</param>
public sealed record TensorDifference(string Name, double MaxAbsolute, double Magnitude, bool Passed)
{
    /// <summary><see cref="MaxAbsolute"/> in units of <see cref="Magnitude"/>.</summary>
    public double MaxRelative => MaxAbsolute == 0 ? 0 : MaxAbsolute / Math.Max(Magnitude, 1e-30);
}

/// <summary>One situation in which both files ran.</summary>
/// <param name="Name">"prefill", "chunk", "decode", "padded batch", …</param>
/// <param name="Skipped">Why it was not run, or null.</param>
/// <param name="Tensors">Differences of logits and caches.</param>
/// <param name="Logits">Distance of the predictions.</param>
/// <param name="Notes">What was left out of the comparison, and why.</param>
public sealed record VerifyCase(string Name, string? Skipped, IReadOnlyList<TensorDifference> Tensors, LogitDistance? Logits,
    IReadOnlyList<string> Notes)
{
    /// <summary>True if nothing differs too much; also for a case that was skipped.</summary>
    public bool Passed => Tensors.All(t => t.Passed);

    /// <summary>The largest relative difference of a tensor.</summary>
    public double MaxRelative => Tensors.Count == 0 ? 0 : Tensors.Max(t => t.MaxRelative);
}

/// <summary>Whether two files compute the same.</summary>
/// <param name="Tolerance">The largest relative difference that passes.</param>
/// <param name="Cases">What was compared.</param>
/// <param name="Reasons">Why it failed; empty if it passed.</param>
public sealed record VerifyReport(double Tolerance, IReadOnlyList<VerifyCase> Cases, IReadOnlyList<string> Reasons)
{
    /// <summary>True if every case passed, and at least one ran.</summary>
    public bool Passed => Reasons.Count == 0;

    /// <summary>One sentence.</summary>
    public string Verdict => Passed
        ? $"Both files compute the same: {Cases.Count(c => c.Skipped is null)} cases, largest relative difference "
            + $"{Cases.Max(c => c.MaxRelative):E1}, tolerance {Tolerance:E1}."
        : $"The files differ: {Reasons[0]}{(Reasons.Count > 1 ? $" (and {Reasons.Count - 1} more)" : "")}";

    /// <summary>JSON with every difference.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, RuntimeJson.Default.VerifyReport);
}
