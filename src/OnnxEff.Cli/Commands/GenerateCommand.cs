using System.CommandLine;
using System.Globalization;
using OnnxEff.Cli.Json;
using OnnxEff.Cli.Shell;
using OnnxEff.Decoding;

namespace OnnxEff.Cli.Commands;

/// <summary><c>onnxeff generate</c>: continues a text.</summary>
static class GenerateCommand
{
    public static Command Create(Terminal terminal)
    {
        var model = Options.Model();
        var prompt = new Option<string>("--prompt", "-p") { Description = "The text to continue; needs a tokenizer.json." };
        var ids = Options.Numbers("--ids", "The tokens to continue, separated by commas.", 0);
        var tokenizer = new Option<string>("--tokenizer") { Description = "The tokenizer.json; by default the one beside the model." };
        var count = new Option<int>("-n", "--predict") { Description = "Tokens to add.", DefaultValueFactory = _ => 64 };
        count.Validators.Add(Options.AtLeast(0));
        var temperature = new Option<double>("--temperature") { Description = "0 takes the likeliest token, 1 draws as the model predicts." };
        temperature.Validators.Add(Options.AtLeast(0));
        var topK = new Option<int>("--top-k") { Description = "Draw from the K likeliest tokens only; 0 for all." };
        topK.Validators.Add(Options.AtLeast(0));
        var seed = new Option<int>("--seed") { Description = "Start of the random numbers." };
        var (threads, json) = (Options.Threads(), Options.Json());
        return Verb.Create("generate", "Continue a text, greedily unless told otherwise.",
            [
                "onnxeff generate out.onnx --tokenizer tokenizer.json --prompt \"In the beginning \" -n 64",
                "onnxeff generate out.onnx --ids 1,2,3",
            ],
            [model, prompt, ids, tokenizer, count, temperature, topK, seed, threads, json],
            parse =>
            {
                var (text, given) = (parse.GetValue(prompt), parse.Given(ids));
                if (text is null == given is null) throw CommandException.Usage("Give either --prompt TEXT or --ids 1,2,3.");
                var path = ModelFiles.Input(parse.GetValue(model)!);
                var words = text is not null || parse.GetValue(tokenizer) is not null ? Tokenizer.Load(ModelFiles.Tokenizer(path, parse.GetValue(tokenizer))) : null;
                var start = given ?? words!.Encode(text!);
                if (start.Length == 0) throw CommandException.Usage("The prompt has no tokens: give at least one.");
                var options = new GenerationOptions
                {
                    MaxTokens = parse.GetValue(count),
                    Sampling = new() { Temperature = parse.GetValue(temperature), TopK = parse.GetValue(topK), Seed = parse.GetValue(seed) },
                };
                return Run(terminal, path, parse.GetValue(threads), words, text, start, options, parse.GetValue(json));
            });
    }

    static ExitCode Run(Terminal terminal, string path, int threads, Tokenizer? words, string? text, int[] start, GenerationOptions options, bool json)
    {
        using var session = terminal.Working("Loading", _ => LoadedModel.Load(path).Open(threads));
        if (json || words is null)
        {
            var generation = Generator.Generate(session, start, options);
            if (json)
            {
                var result = new GenerationJson(start, [.. generation.Tokens], words is null ? null : text + words.Decode([.. generation.Tokens]),
                    generation.Prompt.TotalMilliseconds, generation.TokensPerSecond);
                terminal.Output.Write(JsonOutput.Text(result, JsonContracts.Readable.GenerationJson));
            }
            else
            {
                terminal.Output.WriteLine(string.Join(',', generation.Tokens));
            }
            return ExitCode.Done;
        }

        var stream = new TokenStream(words);
        terminal.Output.Write(text ?? words.Decode(start));
        var shown = Generator.Generate(session, start, options, id =>
        {
            terminal.Output.Write(stream.Append(id));
            terminal.Output.Flush();
        });
        terminal.Output.WriteLine();
        terminal.Log(string.Create(CultureInfo.InvariantCulture, $"{start.Length} tokens read in {shown.Prompt.TotalMilliseconds:0} ms, {shown.Tokens.Count} written at {shown.TokensPerSecond:0.0} per second"));
        return ExitCode.Done;
    }
}
