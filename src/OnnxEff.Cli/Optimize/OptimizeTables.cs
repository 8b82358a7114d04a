using OnnxEff.Cli.Commands;
using OnnxEff.Cli.Shell;
using OnnxEff.GraphPasses;
using OnnxEff.GraphPasses.Layers;
using OnnxEff.Rewriting;
using OnnxEff.Runtime;

namespace OnnxEff.Cli.Optimize;

/// <summary>What <c>optimize</c> did, for people.</summary>
sealed class OptimizeTables(Terminal terminal)
{
    const int NearMissesShown = 40;
    const string Left = "left as it is";

    /// <summary>All tables.</summary>
    public void Show(string input, string? output, OptimizeReport report, double milliseconds, VerifyReport? verification, bool explains, string? only)
    {
        if (explains) Explain(report, only);
        Summary(report, milliseconds, Bytes(input), output is null || !File.Exists(output) ? null : Bytes(output));
        Layers(report);
        if (verification is not null) VerifyCommand.Show(terminal, verification);
        if (output is not null && verification is null or { Passed: true }) terminal.Log($"Wrote {output}.");
    }

    void Summary(OptimizeReport report, double milliseconds, long inputBytes, long? outputBytes)
    {
        var (before, after) = (report.Before, report.After);
        terminal.Table(["", ">before", ">after", ">delta"],
        [
            Counts("nodes", before.Nodes, after.Nodes),
            Counts("operators", before.Operators.Count, after.Operators.Count),
            Sizes("weights", before.WeightBytes, after.WeightBytes),
            outputBytes is { } bytes ? Sizes("file", inputBytes, bytes) : ["file", Quantity.Bytes(inputBytes), "not written", ""],
            Sizes("KV cache per token", before.CacheBytesPerToken ?? 0, after.CacheBytesPerToken ?? 0),
            ["time to rewrite", "", Quantity.Time(milliseconds), ""],
        ]);
    }

    // Layers are many and alike.
    void Layers(OptimizeReport report) => terminal.Table(["part", ">count", "became", "how or why"],
        report.AlikeParts.Select(part => (string[])[part.Meaning, $"{part.Count}", part.Became ?? Left, part.Sentence]));

    void Explain(OptimizeReport report, string? only)
    {
        terminal.Table([">layer", "part", ">count", "became", "how or why", "node"], report.Layers
            .Where(layer => only is null || layer.Meaning == Meanings.Of(only))
            .Select(layer => (string[])[layer.Layer < 0 ? "-" : $"{layer.Layer}", layer.Meaning, $"{layer.Count}", layer.Became ?? Left, layer.Sentence, layer.NodeName]));
        var misses = NearMisses(report, only);
        if (misses.Length > 0)
            terminal.Table(["rule", "tried at", "ended at", "why"], misses.Select(miss => (string[])[miss.Rule, miss.RootName, miss.NodeName, miss.Sentence]));
    }

    /// <summary>
    /// Where a rule, or the rules of a pass, ended. Rules that tidy up end at nearly every node, so this interests only who asks
    /// for one of them.
    /// </summary>
    public static TraceEntry[] NearMisses(OptimizeReport report, string? only)
    {
        var rules = Pipelines.Raise.Select(step => step.Pass).OfType<RulePass>().Where(pass => pass.Name == only)
            .SelectMany(pass => pass.Rules).Select(rule => rule.Name).Append(only).ToHashSet();
        return [.. report.NearMisses.Where(miss => rules.Contains(miss.Rule)).Take(NearMissesShown)];
    }

    static string[] Counts(string name, long before, long after) => [name, $"{before}", $"{after}", Quantity.Delta(before, after, count => $"{count}")];

    static string[] Sizes(string name, long before, long after) => [name, Quantity.Bytes(before), Quantity.Bytes(after), Quantity.Delta(before, after, Quantity.Bytes)];

    static long Bytes(string path) => LoadedModel.Load(path).Bytes;
}
