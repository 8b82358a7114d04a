using System.CommandLine;
using System.Globalization;
using OnnxEff.Cli.Shell;
using OnnxEff.Runtime;

namespace OnnxEff.Cli.Commands;

/// <summary><c>onnxeff verify</c>: whether two files compute the same.</summary>
static class VerifyCommand
{
    public static Command Create(Terminal terminal)
    {
        var first = Options.Model("A");
        var second = Options.Model("B");
        var tolerance = new Option<double?>("--tolerance") { Description = "The largest difference that passes, relative to a tensor's largest value." };
        var length = new Option<int>("--length") { Description = "Tokens of the longest random prompt.", DefaultValueFactory = _ => 96 };
        length.Validators.Add(Options.AtLeast(4));
        var seed = new Option<int>("--seed") { Description = "Start of the random tokens.", DefaultValueFactory = _ => 1 };
        var ids = Options.Numbers("--ids", "A prompt of your own to compare as well.", 0);
        var (threads, json) = (Options.Threads(), Options.Json());
        return Verb.Create("verify", "Run two files on the same inputs and compare what they compute; A is right by definition.",
            ["onnxeff verify model.onnx out.onnx", "onnxeff verify model.onnx out.onnx --ids 1,2,3 --tolerance 1e-3"],
            [first, second, tolerance, length, seed, ids, threads, json], parse =>
            {
                var report = Compare(terminal, LoadedModel.Load(parse.GetValue(first)!), LoadedModel.Load(parse.GetValue(second)!), parse.GetValue(threads), new()
                {
                    Seed = parse.GetValue(seed),
                    Length = parse.GetValue(length),
                    Tolerance = parse.GetValue(tolerance),
                    Prompts = parse.Given(ids) is { } prompt ? [prompt] : [],
                });
                if (parse.GetValue(json)) terminal.Output.WriteLine(report.ToJson());
                else Show(terminal, report);
                return report.Passed ? ExitCode.Done : ExitCode.VerificationFailed;
            });
    }

    /// <summary>Compares two files and tells what runs.</summary>
    public static VerifyReport Compare(Terminal terminal, LoadedModel first, LoadedModel second, int threads, VerifyOptions? options = null) =>
        terminal.Working("Verifying", progress => Verifier.Compare(
            first.ToVerify(threads), second.ToVerify(threads), options, name => progress.Report($"Verifying: {name}")));

    /// <summary>Shows each case and the verdict.</summary>
    public static void Show(Terminal terminal, VerifyReport report)
    {
        terminal.Table(["case", "verdict", ">max abs", ">max rel", ">mean KL", ">same top 1"], report.Cases.Select(one => one.Skipped is { } reason
            ? (string[])[one.Name, $"skipped: {reason}", "", "", "", ""]
            : [one.Name, one.Passed ? "same" : "differs", Quantity.Scientific(one.Tensors.Max(t => t.MaxAbsolute)), Quantity.Scientific(one.MaxRelative),
                one.Logits is { } kl ? Quantity.Scientific(kl.MeanKl) : "", one.Logits is { } top ? string.Create(CultureInfo.InvariantCulture, $"{top.TopOneAgreement * 100:0.##} %") : ""]));
        terminal.Output.WriteLine(report.Verdict);
    }
}
