using System.CommandLine;
using OnnxEff.Cli.Compress;
using OnnxEff.Cli.Shell;

namespace OnnxEff.Cli.Commands;

/// <summary><c>onnxeff compress</c>: linear layers in few bits.</summary>
static class CompressCommand
{
    public static Command Create(Terminal terminal)
    {
        var model = Options.Model();
        var output = new Argument<string>("OUT") { Description = "The file to write." };
        var weights = new Option<string?>("--weights") { Description = "How linear layers are stored; exact: without loss, where weights lie on a grid already." };
        weights.AcceptOnlyFromAmong([.. StoredForm.All.Select(form => form.Name), ExactRun.Form]);
        var (bpw, target, accuracy) = (BitsPerWeight(), Options.StoredTarget(), ProductAccuracy.Option());
        var calibration = new Option<string?>("--calibration") { Description = "What the model is to be good at: an .npy or .json file of ids, or a text for the model's tokenizer. Every form but exact needs it." };
        var tokenizer = new Option<string>("--tokenizer") { Description = "The tokenizer.json; by default the one beside the model." };
        var tokens = new Option<int>("--calibration-tokens") { Description = "The most tokens of it, in windows of 512 spread over the text.", DefaultValueFactory = _ => 32768 };
        tokens.Validators.Add(Options.AtLeast(32));
        var seed = new Option<int>("--seed") { Description = "Of what is drawn at random; the same seed gives the same file." };
        var force = new Option<bool>("--force") { Description = "Replace files that exist." };
        var (threads, json) = (Options.Threads(), Options.Json());
        return Verb.Create("compress", "Store linear layers in few bits, for a model that reads its weights faster. A run that was cut off goes on where it was.",
            ["onnxeff compress model.onnx out.onnx --weights vq:2 --calibration book.txt", "onnxeff compress model-folder out.onnx --target-bpw 2.5 --calibration ids.npy --json", "onnxeff compress model.onnx out.onnx --weights exact"],
            [model, output, weights, bpw, target, accuracy, calibration, tokenizer, tokens, seed, force, threads, json],
            parse => parse.GetValue(weights) == ExactRun.Form && parse.GetValue(bpw) is null ? new ExactRun(terminal)
            {
                Input = parse.GetValue(model)!,
                Output = parse.GetValue(output)!,
                Target = Options.TargetOf(parse.GetValue(target)),
                AccuracyLevel = parse.GetValue(accuracy),
                Force = parse.GetValue(force),
                Json = parse.GetValue(json),
            }.Execute() : new CompressRun(terminal)
            {
                Input = parse.GetValue(model)!,
                Output = parse.GetValue(output)!,
                Target = Options.TargetOf(parse.GetValue(target)),
                Form = Form(parse.GetValue(weights), parse.GetValue(bpw)),
                Calibration = parse.GetValue(calibration) ?? throw CommandException.Usage("Give --calibration: weights are quantised for the inputs that a text makes."),
                TokenizerFile = parse.GetValue(tokenizer),
                CalibrationTokens = parse.GetValue(tokens),
                Seed = parse.GetValue(seed),
                AccuracyLevel = parse.GetValue(accuracy),
                Force = parse.GetValue(force),
                Threads = parse.GetValue(threads),
                Json = parse.GetValue(json),
            }.Execute());
    }

    static Option<double?> BitsPerWeight()
    {
        var option = new Option<double?>("--target-bpw") { Description = "Instead of --weights: vectors at this mean of bits per weight, all side data counted." };
        option.Validators.Add(Options.AtLeast(1));
        return option;
    }

    static StoredForm Form(string? weights, double? target) => (weights, target) switch
    {
        ({ } name, null) => StoredForm.All.First(form => form.Name == name),
        (null, { } bits) => StoredForm.Around(bits),
        _ => throw CommandException.Usage("Give either --weights or --target-bpw."),
    };
}
