using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using OnnxEff.Cli.Shell;
using OnnxEff.Decoding;
using OnnxEff.Runtime;

namespace OnnxEff.Cli.Commands;

/// <summary><c>onnxeff eval</c>: perplexity on a text.</summary>
static class EvalCommand
{
    public static Command Create(Terminal terminal)
    {
        var model = Options.Model();
        var text = new Option<string>("--text") { Description = "A text file; needs a tokenizer.json." };
        var ids = new Option<string>("--ids") { Description = "An .npy file of int32 or int64 ids, or a .json file with a list of them." };
        var tokenizer = new Option<string>("--tokenizer") { Description = "The tokenizer.json; by default the one beside the model." };
        var window = new Option<int>("--window") { Description = "Tokens per window.", DefaultValueFactory = _ => 512 };
        window.Validators.Add(Options.AtLeast(2));
        var stride = new Option<int?>("--stride") { Description = "From one window to the next; by default the window. A longer one leaves out text." };
        var windows = new Option<int?>("--windows") { Description = "The most windows." };
        var inside = new Option<bool>("--inside") { Description = "Leave out a window's last prediction, whose target is behind the window." };
        var reference = new Option<string>("--reference") { Description = "A model to which KL divergence and top-1 agreement are measured." };
        var maximum = new Option<double?>("--max-perplexity") { Description = "A threshold: exit code 1 above it." };
        var (threads, json) = (Options.Threads(), Options.Json());
        return Verb.Create("eval", "Measure perplexity on a text.",
            ["onnxeff eval out.onnx --ids valid.npy", "onnxeff eval out.onnx --text book.txt --reference model.onnx --max-perplexity 20"],
            [model, text, ids, tokenizer, window, stride, windows, inside, reference, maximum, threads, json], parse =>
            {
                var path = ModelFiles.Input(parse.GetValue(model)!);
                var tokens = Tokens(path, parse.GetValue(text), parse.GetValue(ids), parse.GetValue(tokenizer));
                var options = new PerplexityOptions
                {
                    Window = parse.GetValue(window),
                    Stride = parse.GetValue(stride),
                    MaxWindows = parse.GetValue(windows),
                    ScoresBeyondWindow = !parse.GetValue(inside),
                };
                var count = parse.GetValue(threads);
                using var session = LoadedModel.Load(path).Open(count);
                using var other = parse.GetValue(reference) is { } name ? LoadedModel.Load(name).Open(count) : null;
                var report = terminal.Working("Evaluating", progress => Measure(session, tokens, options, other, progress));
                if (parse.GetValue(json)) terminal.Output.WriteLine(JsonSerializer.Serialize(report, RuntimeJson.Default.PerplexityReport));
                else Show(terminal, report);
                return parse.GetValue(maximum) is { } limit && !(report.Perplexity <= limit) ? ExitCode.VerificationFailed : ExitCode.Done;
            });
    }

    static PerplexityReport Measure(LlmSession session, int[] tokens, PerplexityOptions options, LlmSession? reference, IProgress<string> progress)
    {
        try
        {
            return PerplexityMeter.Measure(session, tokens, options, reference, (done, all) => progress.Report($"Evaluating: window {done} of {all}"));
        }
        catch (ArgumentException refusal)
        {
            throw CommandException.Usage(refusal.Message);
        }
    }

    static int[] Tokens(string model, string? text, string? ids, string? tokenizer)
    {
        if (text is null == ids is null) throw CommandException.Usage("Give either --text FILE or --ids FILE.npy.");
        return ids is not null ? TokenFile.Read(ids) : Tokenizer.Load(ModelFiles.Tokenizer(model, tokenizer)).Encode(File.ReadAllText(text!));
    }

    static void Show(Terminal terminal, PerplexityReport report)
    {
        static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
        List<string[]> rows =
        [
            ["perplexity", Number(report.Perplexity, "0.0000")],
            ["mean negative log-likelihood", Number(report.MeanNll, "0.000000")],
            ["tokens scored", Number(report.Scored, "0")],
            ["top 1 correct", Number(report.TopOne * 100, "0.00") + " %"],
            ["seconds in the model", Number(report.Seconds, "0.0")],
        ];
        if (report.ToReference is { } distance)
        {
            rows.Add(["mean KL to the reference", Number(distance.MeanKl, "0.0e+0")]);
            rows.Add(["same top 1 as the reference", Number(distance.TopOneAgreement * 100, "0.00") + " %"]);
        }
        terminal.Table(["measure", ">value"], rows);
    }
}
