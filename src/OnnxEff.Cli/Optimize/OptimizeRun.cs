using System.Diagnostics;
using OnnxEff.Cli.Commands;
using OnnxEff.Cli.Html;
using OnnxEff.Cli.Json;
using OnnxEff.Cli.Shell;
using OnnxEff.GraphPasses;
using OnnxEff.GraphPasses.Layers;
using OnnxEff.Ir.Onnx;
using OnnxEff.Rewriting;
using OnnxEff.Runtime;

namespace OnnxEff.Cli.Optimize;

/// <summary>One run of <c>optimize</c>: read, rewrite, write, compare, report.</summary>
sealed class OptimizeRun(Terminal terminal)
{
    public required string Input { get; init; }

    public string? Output { get; init; }

    public Target Target { get; init; }

    public string[]? Passes { get; init; }

    public string[] Require { get; init; } = [];

    public bool Explains { get; init; }

    public string? ExplainOnly { get; init; }

    public bool PackedDocuments { get; init; }

    public bool DryRun { get; init; }

    public bool Verify { get; init; }

    public string? ReportFile { get; init; }

    public string? HtmlFile { get; init; }

    public bool Force { get; init; }

    public ExternalData ExternalData { get; init; }

    public int Threads { get; init; }

    public bool Json { get; init; }

    /// <summary>Does everything.</summary>
    public ExitCode Execute()
    {
        var input = ModelFiles.Input(Input);
        if (Output is null && !DryRun) throw CommandException.Usage("Name the file to write, or give --dry-run.");
        var output = Output is null ? null : ModelFiles.Output(Output, input, Force || DryRun);
        if (HtmlFile is not null) PageFile.Check(HtmlFile, Force, output is null ? [input] : [input, output]);
        RefuseUnknownPasses();

        var clock = Stopwatch.StartNew();
        var model = OnnxReader.Load(input);
        var report = terminal.Working("Rewriting", progress => Optimizer.Run(model, new()
        {
            Target = Target,
            Passes = Passes,
            Explain = Explains,
            PackedDocuments = PackedDocuments,
            Progress = progress,
        }, new OrtEvaluator()));
        foreach (var name in Require)
            if (Missing(report, name) is { } sentence)
            {
                WriteReport(input, null, report, clock.Elapsed.TotalMilliseconds, null);
                throw new CommandException(ExitCode.RequiredPassMatchedNothing, sentence);
            }

        VerifyReport? verification = null;
        var milliseconds = clock.Elapsed.TotalMilliseconds;
        if (!DryRun)
        {
            ModelFiles.MakeFolder(output!);
            OnnxWriter.Save(model, output!, new() { Overwrite = Force, ExternalData = ExternalData });
            milliseconds = clock.Elapsed.TotalMilliseconds;
            if (Verify) verification = VerifyOutput(input, output!);
        }
        if (HtmlFile is not null) PageFile.Write(HtmlFile, input, DryRun ? null : output, model, report, verification);
        return Finish(input, DryRun ? null : output, report, milliseconds, verification);
    }

    ExitCode Finish(string input, string? output, OptimizeReport report, double milliseconds, VerifyReport? verification)
    {
        var json = WriteReport(input, output, report, milliseconds, verification);
        if (Json) terminal.Output.Write(json);
        else new OptimizeTables(terminal).Show(input, output, report, milliseconds, verification, Explains, ExplainOnly);
        if (verification is null or { Passed: true }) return ExitCode.Done;
        terminal.Error.WriteLine($"{verification.Verdict} '{output}' was removed; --no-verify keeps it.");
        return ExitCode.VerificationFailed;
    }

    string WriteReport(string input, string? output, OptimizeReport report, double milliseconds, VerifyReport? verification)
    {
        var json = JsonOutput.Text(OptimizeJson.Of(input, output, report, OptimizeTables.NearMisses(report, ExplainOnly), milliseconds, verification),
            JsonContracts.Readable.OptimizeJson);
        if (ReportFile is not null) File.WriteAllText(ReportFile, json);
        return json;
    }

    VerifyReport? VerifyOutput(string input, string output)
    {
        VerifyReport? verification = null;
        try
        {
            verification = VerifyCommand.Compare(terminal, LoadedModel.Load(input), LoadedModel.Load(output), Threads);
            return verification;
        }
        finally
        {
            // What is not known to be right is not left where somebody would use it.
            if (verification is not { Passed: true }) ModelFiles.Remove(output);
        }
    }

    /// <summary>What of a required pass or meaning is missing, or null.</summary>
    static string? Missing(OptimizeReport report, string required)
    {
        if (!Meanings.All.Contains(required))
            return report.Passes.Where(pass => pass.Pass == required).Sum(pass => pass.Applied) > 0 ? null
                : $"The required pass '{required}' changed nothing: onnxeff optimize --dry-run --explain says why.";
        LayerReport[] layers = [.. report.Layers.Where(layer => layer.Meaning == required)];
        return layers.Length == 0 ? $"Required, but not found in this model: {required}."
            : Array.Find(layers, layer => layer.IsRefused) is { } left
                ? $"Required, but left {(left.Layer < 0 ? "outside of the layers" : $"in layer {left.Layer}")}: {required} ended at '{left.NodeName}': {left.Sentence}."
            : null;
    }

    void RefuseUnknownPasses()
    {
        bool IsPass(string name) => Optimizer.Passes.Any(pass => pass.Name == name && pass.Targets.Contains(Target));
        string[] named = [.. Passes ?? [], .. Require.Except(Meanings.All), .. ExplainOnly is { } only && !Meanings.All.Contains(only) && !IsRule(only) ? (string[])[only] : []];
        if (Array.Find(named, name => !IsPass(name)) is { } unknown)
            throw CommandException.Usage($"There is no pass '{unknown}' for this target: onnxeff passes lists them.");
    }

    static bool IsRule(string name) => Pipelines.Raise.Any(step => step.Pass is RulePass rules && rules.Rules.Any(rule => rule.Name == name));
}
