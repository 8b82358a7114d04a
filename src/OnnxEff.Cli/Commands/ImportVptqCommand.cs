using System.CommandLine;
using OnnxEff.Cli.Compress;
using OnnxEff.Cli.Import;
using OnnxEff.Cli.Shell;

namespace OnnxEff.Cli.Commands;

/// <summary><c>onnxeff import-vptq</c>: a public checkpoint's layers in an exported graph.</summary>
static class ImportVptqCommand
{
    public static Command Create(Terminal terminal)
    {
        var folder = new Argument<string>("HF_DIR") { Description = "A Hugging Face checkpoint stored as VPTQ: config.json and safetensors." };
        var model = Options.Model();
        var output = new Argument<string>("OUT") { Description = "The file to write." };
        var (target, accuracy) = (Options.StoredTarget(), ProductAccuracy.Option());
        var noVerify = new Option<bool>("--no-verify") { Description = "Do not compare each layer with its decoded weight." };
        var report = new Option<string>("--report") { Description = "Write everything that was done to this JSON file." };
        var force = new Option<bool>("--force") { Description = "Replace files that exist." };
        var (threads, json) = (Options.Threads(), Options.Json());
        return Verb.Create("import-vptq", "Put the low-bit layers of a VPTQ checkpoint into the exported graph of the same model, and optimize it.",
            ["onnxeff import-vptq Llama-3.1-8B-v8-k65536-256-woft model.onnx out.onnx", "onnxeff import-vptq checkpoint model-folder out.onnx --report report.json"],
            [folder, model, output, target, accuracy, noVerify, report, force, threads, json],
            parse => new ImportRun(terminal)
            {
                Folder = parse.GetValue(folder)!,
                Input = parse.GetValue(model)!,
                Output = parse.GetValue(output)!,
                Target = Options.TargetOf(parse.GetValue(target)),
                AccuracyLevel = parse.GetValue(accuracy),
                Verify = !parse.GetValue(noVerify),
                ReportFile = parse.GetValue(report),
                Force = parse.GetValue(force),
                Threads = parse.GetValue(threads),
                Json = parse.GetValue(json),
            }.Execute());
    }
}
