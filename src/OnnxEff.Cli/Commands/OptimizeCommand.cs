using System.CommandLine;
using OnnxEff.Cli.Optimize;
using OnnxEff.Cli.Shell;
using OnnxEff.GraphPasses;
using OnnxEff.Ir.Onnx;

namespace OnnxEff.Cli.Commands;

/// <summary><c>onnxeff optimize</c>: the main job.</summary>
static class OptimizeCommand
{
    public static Command Create(Terminal terminal)
    {
        var input = Options.Model("IN");
        var output = new Argument<string>("OUT") { Description = "The file to write; with --dry-run it may be left out.", Arity = ArgumentArity.ZeroOrOne };
        var target = new Option<string>("--target") { Description = "onnxeff: needs the operator library. ort: stock ONNX Runtime. onnx: standard operators.", DefaultValueFactory = _ => "onnxeff" };
        target.AcceptOnlyFromAmong("onnxeff", "ort", "onnx");
        var passes = Names("--passes", "Raise with these passes only, separated by commas; onnxeff passes lists them.");
        var require = Names("--require", "Exit code 4 if a layer was left, of the meanings attention, rotary, norm, mlp and linear, or if a pass named here changed nothing; separated by commas.");
        var explain = new Option<string?>("--explain") { Description = "Say of every layer what each part became, or at which node recognition ended and why; with a meaning, a pass or a rule, of that only.", Arity = ArgumentArity.ZeroOrOne };
        var packed = new Option<bool>("--packed-documents") { Description = "Let a row hold several documents, each beginning with position 0, that do not see each other; for the target onnxeff and calls without a cache." };
        var dryRun = new Option<bool>("--dry-run") { Description = "Write nothing." };
        var noVerify = new Option<bool>("--no-verify") { Description = "Do not compare the output with the input." };
        var verify = new Option<bool>("--verify") { Description = "Compare the output with the input; the default." };
        var report = new Option<string>("--report") { Description = "Write everything that was done to this JSON file." };
        var html = new Option<string>("--html") { Description = "Write what changed, layer by layer and with drawings, to this web page." };
        var force = new Option<bool>("--force") { Description = "Replace files that exist." };
        var external = new Option<string>("--external-data") { Description = "auto, always or never: weights in a file beside OUT.", DefaultValueFactory = _ => "auto" };
        external.AcceptOnlyFromAmong("auto", "always", "never");
        var (threads, json) = (Options.Threads(), Options.Json());
        return Verb.Create("optimize", "Rewrite a model, check that it computes the same, and say what changed.",
            [
                "onnxeff optimize model.onnx out.onnx",
                "onnxeff optimize model-folder out.onnx --target ort --report report.json",
                "onnxeff optimize model.onnx --dry-run --explain",
                "onnxeff optimize model.onnx out.onnx --require attention,norm",
            ],
            [input, output, target, passes, require, explain, packed, dryRun, verify, noVerify, report, html, force, external, threads, json],
            parse =>
            {
                if (parse.GetValue(packed) && parse.GetValue(target) != "onnxeff") throw CommandException.Usage("--packed-documents needs --target onnxeff.");
                if (parse.GetValue(verify) && parse.GetValue(noVerify)) throw CommandException.Usage("--verify and --no-verify contradict each other.");
                return new OptimizeRun(terminal)
                {
                    Input = parse.GetValue(input)!,
                    Output = parse.GetValue(output),
                    Target = Enum.Parse<Target>(parse.GetValue(target)!, ignoreCase: true),
                    Passes = parse.Given(passes),
                    Require = parse.Given(require) ?? [],
                    Explains = parse.GetResult(explain) is { Implicit: false },
                    ExplainOnly = parse.GetValue(explain),
                    PackedDocuments = parse.GetValue(packed),
                    DryRun = parse.GetValue(dryRun),
                    Verify = !parse.GetValue(noVerify),
                    ReportFile = parse.GetValue(report),
                    HtmlFile = parse.GetValue(html),
                    Force = parse.GetValue(force),
                    ExternalData = Enum.Parse<ExternalData>(parse.GetValue(external)!, ignoreCase: true),
                    Threads = parse.GetValue(threads),
                    Json = parse.GetValue(json),
                }.Execute();
            });
    }

    static Option<string[]> Names(string name, string description) => new(name)
    {
        Description = description,
        CustomParser = result => string.Join(',', result.Tokens.Select(token => token.Value))
            .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries),
    };
}
