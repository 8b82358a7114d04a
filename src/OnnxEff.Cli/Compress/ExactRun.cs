using System.Diagnostics;
using OnnxEff.Cli.Json;
using OnnxEff.Cli.Shell;
using OnnxEff.GraphPasses;
using OnnxEff.GraphPasses.Transform;
using OnnxEff.Ir.Onnx;
using OnnxEff.Ops;
using OnnxEff.Rewriting;
using OnnxEff.Runtime;

namespace OnnxEff.Cli.Compress;

/// <summary>One run of <c>compress --weights exact</c>: read, optimize, store what lies on a grid, write, report. It needs no text: nothing is lost.</summary>
sealed class ExactRun(Terminal terminal)
{
    public const string Form = "exact";

    public required string Input { get; init; }

    public required string Output { get; init; }

    public Target? Target { get; init; }

    public int? AccuracyLevel { get; init; }

    public bool Force { get; init; }

    public bool Json { get; init; }

    /// <summary>Does everything.</summary>
    public ExitCode Execute()
    {
        var clock = Stopwatch.StartNew();
        var input = ModelFiles.Input(Input);
        var output = ModelFiles.Output(Output, input, Force);
        var model = OnnxReader.Load(input);
        terminal.Working("Rewriting", progress => Optimizer.Run(model, new() { Target = Target ?? GraphPasses.Target.OnnxEff, Progress = progress }, new OrtEvaluator()));
        var store = new StoreExactly();
        var context = new PassContext(model);
        terminal.Working("Looking for grids", _ => store.Run(context));
        var left = context.TakeRefusals();
        if (store.Stored.Count == 0)
            throw new CommandException(ExitCode.RequiredPassMatchedNothing, $"'{Input}' has no weight on a grid: {(left is [var first, ..] ? first.Sentence : "it has no product with a constant matrix")}. Use another form, such as --weights vq:4.");
        model.Graph.RemoveDead();
        ProductAccuracy.Set(model.Graph, AccuracyLevel ?? Ops.AccuracyLevel.Full);
        var notes = Functions.Add(model, terminal);
        ModelFiles.MakeFolder(output);
        OnnxWriter.Save(model, output, new() { Overwrite = Force });
        CompressReport.Tell(terminal, Result(input, output, store.Stored, left, clock.Elapsed.TotalSeconds, notes), Json);
        return ExitCode.Done;
    }

    static CompressJson Result(string input, string output, IReadOnlyList<ExactWeight> stored, IReadOnlyList<Refusal> left, double seconds, string[] notes)
    {
        var weights = stored.Sum(weight => (long)weight.Blocks.Layout.Outputs * weight.Blocks.Layout.Inputs);
        return new(input, output, Form, stored.Count, weights, stored.Sum(weight => (long)weight.Blocks.Units.Data.Length) * 8.0 / weights, LoadedModel.Load(output).Bytes,
            stored[0].Name, 0, seconds, Process.GetCurrentProcess().PeakWorkingSet64,
            [.. stored.Select(weight => new CompressedJson(weight.Name, weight.Blocks.Layout.Inputs, weight.Blocks.Layout.Outputs, AffineMatMul.Schema.Name, 0))],
            [.. left.Select(refusal => new LeftJson(refusal.NodeName, refusal.Sentence))], notes);
    }
}
