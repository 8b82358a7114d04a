using OnnxEff.GraphPasses;
using OnnxEff.Rewriting;
using OnnxEff.Runtime;

namespace OnnxEff.Cli.Json;

/// <summary>The file of <c>optimize --report</c>.</summary>
sealed record OptimizeJson(string Input, string? Output, string Target, SizeJson Before, SizeJson After, double Milliseconds,
    PassRunJson[] Passes, int LayerCount, LayerReport[] Layers, TraceEntry[] NearMisses, VerificationJson? Verification)
{
    public static OptimizeJson Of(string input, string? output, OptimizeReport report, TraceEntry[] nearMisses, double milliseconds, VerifyReport? verification) => new(
        input, output, report.Target.ToString().ToLowerInvariant(), SizeJson.Of(report.Before), SizeJson.Of(report.After), milliseconds,
        [.. report.Passes.Select(pass => new PassRunJson(pass.Pass, pass.Exactness.ToString().ToLowerInvariant(), pass.Applied, pass.Milliseconds))],
        report.LayerCount, [.. report.Layers], nearMisses,
        verification is null ? null : new(verification.Passed, verification.Tolerance, verification.Verdict,
            [.. verification.Cases.Select(VerificationCaseJson.Of)]));
}

/// <summary>Sizes of a model.</summary>
sealed record SizeJson(int Nodes, IReadOnlyDictionary<string, int> Operators, long WeightBytes, long? CacheBytesPerToken)
{
    public static SizeJson Of(GraphPasses.ModelSize size) => new(size.Nodes, size.Operators, size.WeightBytes, size.CacheBytesPerToken);
}

/// <summary>One run of a pass.</summary>
sealed record PassRunJson(string Name, string Exactness, int Applied, double Milliseconds);

/// <summary>Whether the output computes what the input does.</summary>
sealed record VerificationJson(bool Passed, double Tolerance, string Verdict, VerificationCaseJson[] Cases);

/// <summary>One situation in which both files ran.</summary>
sealed record VerificationCaseJson(string Name, string? Skipped, bool Passed, double MaxRelative, double? MeanKl, double? TopOneAgreement)
{
    public static VerificationCaseJson Of(VerifyCase one) => new(
        one.Name, one.Skipped, one.Passed, one.MaxRelative, one.Logits?.MeanKl, one.Logits?.TopOneAgreement);
}

/// <summary>One line of <c>passes --json</c>.</summary>
sealed record PassJson(string Name, string Exactness, string Summary, string[] Targets);

/// <summary>The result of <c>inspect --json</c>.</summary>
sealed record InspectJson(string Path, string Exporter, IReadOnlyDictionary<string, long> Opsets, SizeJson Size,
    IReadOnlyDictionary<string, long> WeightBytesByType, bool IsDecoder, string? Refusal, string[] Inputs, string[] Outputs,
    long? Vocabulary, long? HiddenSize, LayerFacts[] Layers, LayerReport[] Left);
