using System.Diagnostics;
using OnnxEff.Cli.Json;
using OnnxEff.Cli.Shell;
using OnnxEff.Compression;
using OnnxEff.Decoding;
using OnnxEff.GraphPasses;
using OnnxEff.GraphPasses.Transform;
using OnnxEff.Ir;
using OnnxEff.Ir.Onnx;
using OnnxEff.Ops.Llm;
using OnnxEff.Rewriting;
using OnnxEff.Runtime;

namespace OnnxEff.Cli.Compress;

/// <summary>One run of <c>compress</c>: read, optimize, quantise, write, report.</summary>
sealed class CompressRun(Terminal terminal)
{
    const int Window = 512;

    public required string Input { get; init; }

    public required string Output { get; init; }

    public required StoredForm Form { get; init; }

    public required string Calibration { get; init; }

    public Target? Target { get; init; }

    public string? TokenizerFile { get; init; }

    public int CalibrationTokens { get; init; }

    public int Seed { get; init; }

    public int? AccuracyLevel { get; init; }

    public bool Force { get; init; }

    public int Threads { get; init; }

    public bool Json { get; init; }

    /// <summary>Does everything.</summary>
    public ExitCode Execute()
    {
        var clock = Stopwatch.StartNew();
        Workers.Limit(Threads);
        var input = ModelFiles.Input(Input);
        var output = ModelFiles.Output(Output, input, Force);
        var windows = CalibrationWindows.Of(Tokens(input), CalibrationTokens, Window);
        var model = OnnxReader.Load(input);
        terminal.Working("Rewriting", progress => Optimizer.Run(model, new() { Target = Target ?? Form.Target, GatesApart = true, Progress = progress }, new OrtEvaluator()));
        model.Graph.Sort();
        var signature = DecoderSignature.Recognise(model.Graph, out var refusal) ?? throw new NotSupportedException(refusal);
        var all = Some(LinearFinder.Find(model.Graph, signature));
        var quantizer = Create(all);
        var found = Some(all.Without(quantizer.Refusal));
        var evaluator = new OrtEvaluator(Options(model));
        var whole = windows;
        windows = WindowLength.Fit(whole, CalibrationTokens, model, signature, found, evaluator);
        var compressor = new Compressor(model, signature, found, windows, evaluator, quantizer);
        var notes = Notes(found, windows, whole.Window);
        Declare(found, quantizer, compressor, windows, notes);
        ModelFiles.MakeFolder(output);
        var work = new WorkFolder(output, WorkFolder.Key(found, windows, quantizer.Settings));
        var layers = terminal.Working("Quantising", progress => compressor.Run(work, progress));
        var writer = new StoredLinearWriter(model);
        foreach (var layer in layers) writer.Replace(layer.Linear, layer.Stored);
        ProductAccuracy.Set(model.Graph, AccuracyLevel ?? Ops.AccuracyLevel.Bytes);
        // After the accuracy is set: what is not quantised is not rounded either.
        var exact = Form.Target == GraphPasses.Target.OnnxEff ? StoreTheRest(model) : [];
        model.Graph.RemoveDead();
        notes = [.. notes, .. exact.Select(Sentence), .. Functions.Add(model, terminal)];
        OnnxWriter.Save(model, output, new() { Overwrite = Force });
        work.Remove();
        var left = found.Skipped.Where(skipped => !exact.Any(weight => weight.NodeNames.Contains(skipped.Node)));
        Tell(input, output, found with { Skipped = [.. left] }, layers, writer.Bytes, clock.Elapsed.TotalSeconds, notes);
        return ExitCode.Done;
    }

    FoundLinears Some(FoundLinears found) => found.Sites.Count > 0 ? found
        : throw new CommandException(ExitCode.RequiredPassMatchedNothing, $"'{Input}' has no linear layer to quantise: {(found.Skipped is [var first, ..] ? first.Sentence : null) ?? "it has no product with a constant matrix"}.");

    // A table that is a product's weight as well, say: where it lies on a grid already nothing is lost, and each token reads a quarter of it.
    IReadOnlyList<ExactWeight> StoreTheRest(Model model)
    {
        var store = new StoreExactly();
        terminal.Working("Looking for grids", _ => store.Run(new PassContext(model)));
        foreach (var weight in store.Stored) terminal.Error.WriteLine(Sentence(weight));
        return store.Stored;
    }

    static string Sentence(ExactWeight weight) => $"'{weight.Name}', which is not quantised, lies on a grid of {weight.Blocks.Layout.Bits} bits already and is stored on it without loss.";

    SiteQuantizer Create(FoundLinears found)
    {
        try
        {
            return Form.Create(found, Seed);
        }
        catch (ArgumentException refusal)
        {
            throw CommandException.Usage(refusal.Message);
        }
    }

    // Left to itself, ONNX Runtime takes one thread in some virtual machines; and threads of this program work in between.
    OrtSessionOptions Options(Model model) => new LoadedModel(Input, model).Options(Workers.Count) with { Spinning = false };

    int[] Tokens(string model)
    {
        if (!File.Exists(Calibration)) throw new CommandException(ExitCode.InputOutput, $"'{Calibration}' does not exist.");
        return TokenFile.IsNamed(Calibration) ? TokenFile.Read(Calibration)
            : Tokenizer.Load(ModelFiles.Tokenizer(model, TokenizerFile)).Encode(File.ReadAllText(Calibration));
    }

    static string[] Notes(FoundLinears found, CalibrationWindows windows, int window)
    {
        var notes = new List<string>();
        if (windows.Window < window) notes.Add($"The model runs on no window of {window} tokens; it is calibrated on windows of {windows.Window}.");
        var widest = found.Sites.MaxBy(site => site.Inputs)!;
        if (widest.Inputs > windows.TokenCount)
            notes.Add($"The calibration text has {windows.TokenCount} tokens, fewer than the {widest.Inputs} inputs of '{widest.Linears[0].Name}': damping is 10 % there and not 1 %; a longer text is better.");
        return [.. notes];
    }

    void Declare(FoundLinears found, SiteQuantizer quantizer, Compressor compressor, CalibrationWindows windows, string[] notes)
    {
        var bits = found.Sites.Sum(site => quantizer.BitsOf(site) * site.Weights) / found.Weights;
        var minutes = compressor.Expected.Minutes(Workers.Count, TileSpeed.Measure());
        terminal.Error.WriteLine(FormattableString.Invariant($"{found.Linears.Count()} matrices with {Quantity.Count(found.Weights)} weights at about {bits:0.00} bits, {windows.TokenCount} tokens of calibration; about {Quantity.Bytes(compressor.Expected.Bytes)} of memory and {(minutes < 1 ? "less than a minute" : $"{minutes:0} min")}."));
        foreach (var note in notes) terminal.Error.WriteLine(note);
        foreach (var skipped in found.Skipped) terminal.Log($"'{skipped.Node}' stays as it is: {skipped.Sentence}.");
    }

    void Tell(string input, string output, FoundLinears found, IReadOnlyList<CompressedLinear> layers, long bytes, double seconds, string[] notes)
    {
        var worst = layers.MaxBy(layer => layer.Stored.Error)!;
        var result = new CompressJson(input, output, Form.Name, layers.Count, found.Weights, bytes * 8.0 / found.Weights, LoadedModel.Load(output).Bytes,
            worst.Linear.Name, worst.Stored.Error, seconds, Process.GetCurrentProcess().PeakWorkingSet64,
            [.. layers.Select(layer => new CompressedJson(layer.Linear.Name, layer.Linear.Inputs, layer.Linear.Outputs, layer.Stored.Operator, layer.Stored.Error))],
            [.. found.Skipped.Select(skipped => new LeftJson(skipped.Node, skipped.Sentence))], notes);
        CompressReport.Tell(terminal, result, Json);
    }
}
