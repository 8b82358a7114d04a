using OnnxEff.Cli.Compress;
using OnnxEff.Cli.Json;
using OnnxEff.Cli.Shell;
using OnnxEff.Formats;
using OnnxEff.GraphPasses;
using OnnxEff.GraphPasses.Transform;
using OnnxEff.Ir.Onnx;
using OnnxEff.Ops;
using OnnxEff.Rewriting;
using OnnxEff.Runtime;

namespace OnnxEff.Cli.Import;

/// <summary>One run of <c>import-vptq</c>: read, replace, compare, write, report.</summary>
sealed class ImportRun(Terminal terminal)
{
    public required string Folder { get; init; }

    public required string Input { get; init; }

    public required string Output { get; init; }

    public Target? Target { get; init; }

    public bool Verify { get; init; }

    public string? ReportFile { get; init; }

    public int? AccuracyLevel { get; init; }

    public bool Force { get; init; }

    public int Threads { get; init; }

    public bool Json { get; init; }

    /// <summary>Does everything.</summary>
    public ExitCode Execute()
    {
        if (!Directory.Exists(Folder)) throw new CommandException(ExitCode.InputOutput, $"The folder '{Folder}' does not exist.");
        var input = ModelFiles.Input(Input);
        var output = ModelFiles.Output(Output, input, Force);
        var checkpoint = VptqCheckpoint.Open(Folder);
        var model = OnnxReader.Load(input);
        var import = new ImportVptq(model, checkpoint.Layers, checkpoint.Read);
        var report = terminal.Working("Importing", progress => Optimizer.Run(model, new()
        {
            Target = Target ?? GraphPasses.Target.OnnxEff,
            Transforms = [new(import, "products are recognised by then, and not yet spelled for a target")],
            Progress = progress,
        }, new OrtEvaluator()));
        Refusal[] left = [.. report.Passes.Where(pass => pass.Pass == import.Name).SelectMany(pass => pass.Refusals)];
        if (import.Imported.Count == 0)
            throw new CommandException(ExitCode.RequiredPassMatchedNothing, $"No product of '{Input}' has a layer of '{Folder}': {left.FirstOrDefault()?.Sentence ?? "it has no product with a constant matrix"}.");
        double? worst = Verify ? Check(checkpoint, import) : null;
        ProductAccuracy.Set(model.Graph, AccuracyLevel ?? Ops.AccuracyLevel.Full);
        Functions.Add(model, terminal);
        ModelFiles.MakeFolder(output);
        OnnxWriter.Save(model, output, new() { Overwrite = Force });
        Tell(new(input, output, [.. import.Imported.Select(i => new ImportedJson(i.NodeName, [.. i.Layers], i.BytesBefore, i.BytesAfter))],
            [.. left.Select(l => new LeftJson(l.NodeName, l.Sentence))], [.. import.Unused], worst));
        return ExitCode.Done;
    }

    double Check(VptqCheckpoint checkpoint, ImportVptq import)
    {
        var options = new OrtSessionOptions { IntraOpThreads = Threads, CustomOpLibraries = [OperatorLibrary.Require().Path] };
        return terminal.Working("Verifying", progress => import.Imported.SelectMany(linear => linear.Layers).Distinct().Select(layer =>
        {
            progress.Report($"Verifying: {layer}");
            var worst = VptqLayerCheck.Worst(checkpoint.Read(layer), options);
            return worst <= VptqLayerCheck.Tolerance ? worst : throw new CommandException(ExitCode.VerificationFailed,
                $"Layer '{layer}' computes outputs that are {Quantity.Scientific(worst)} off its decoded weight's, more than {Quantity.Scientific(VptqLayerCheck.Tolerance)}; nothing was written.");
        }).Max());
    }

    void Tell(ImportJson result)
    {
        var json = JsonOutput.Text(result, JsonContracts.Readable.ImportJson);
        if (ReportFile is not null) File.WriteAllText(ReportFile, json);
        if (Json)
        {
            terminal.Output.Write(json);
            return;
        }
        terminal.Table(["node", "layer of the checkpoint", ">before", ">after"], result.Imported.Select(i =>
            (string[])[i.Node, string.Join(" + ", i.Layers), Quantity.Bytes(i.BytesBefore), Quantity.Bytes(i.BytesAfter)]));
        if (result.Left.Length > 0) terminal.Table(["node that was left", "reason"], result.Left.Select(l => (string[])[l.Node, l.Reason]));
        if (result.Unused.Length > 0) terminal.Table(["layer that no product is named like, or fits"], result.Unused.Select(u => (string[])[u]));
        terminal.Output.WriteLine($"{result.Imported.Length} products are {nameof(VptqMatMul)} in '{result.Output}'."
            + (result.WorstDifference is { } worst ? $" Their outputs are at most {Quantity.Scientific(worst)} off those of the decoded weights." : ""));
    }
}
