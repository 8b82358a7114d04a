using System.CommandLine;
using OnnxEff.Cli.Shell;
using OnnxEff.Runtime;

namespace OnnxEff.Cli.Commands;

/// <summary><c>onnxeff bench</c>: tokens per second, with the names and columns of llama-bench.</summary>
static class BenchCommand
{
    public static Command Create(Terminal terminal)
    {
        var models = new Argument<string[]>("MODEL") { Description = "ONNX files or their folders.", Arity = ArgumentArity.OneOrMore };
        var prompts = Options.Numbers("-p", "Lengths of prompts: tests ppN. [default: 512; 0 for none]", 0, "--n-prompt");
        var generations = Options.Numbers("-n", "Numbers of tokens to generate: tests tgN. [default: 128; 0 for none]", 0, "--n-gen");
        var depths = Options.Numbers("-d", "Tokens that are in the cache before. [default: 0]", 0, "--n-depth");
        var threads = Options.Numbers("-t", "Threads; 0 lets ONNX Runtime choose. [default: 0]", 0, "--threads");
        var repetitions = new Option<int>("-r", "--repetitions") { Description = "Repetitions of each test.", DefaultValueFactory = _ => 5 };
        repetitions.Validators.Add(Options.AtLeast(1));
        var format = new Option<string>("-o", "--output") { Description = "md, csv or json.", DefaultValueFactory = _ => "md" };
        format.AcceptOnlyFromAmong("md", "csv", "json");
        return Verb.Create("bench", "Measure prompts and generation in tokens per second; models take turns.",
            ["onnxeff bench model.onnx out.onnx", "onnxeff bench out.onnx -p 512,2048 -n 128 -d 0,2048 -t 1,2 -r 3 -o csv"],
            [models, prompts, generations, depths, threads, repetitions, format], parse =>
            {
                BenchModel[] entrants = [.. parse.GetValue(models)!.Select(Entrant)];
                // The table tells models apart by their labels.
                if (entrants.DistinctBy(entrant => entrant.Label).Count() < entrants.Length)
                    entrants = [.. entrants.Select(entrant => entrant with { Label = entrant.Path })];
                var rows = terminal.Working("Measuring", progress => (parse.Given(threads) ?? [0]).SelectMany(count => Benchmark.Run(entrants, new()
                {
                    Threads = count,
                    Prompts = Positive(parse.Given(prompts) ?? [512]),
                    Generations = Positive(parse.Given(generations) ?? [128]),
                    Depths = parse.Given(depths) ?? [0],
                    Repetitions = parse.GetValue(repetitions),
                }, test => progress.Report($"Measuring {test}, {count} threads")).Rows).ToArray());
                var report = new BenchReport(rows);
                terminal.Output.Write(parse.GetValue(format) switch
                {
                    "csv" => report.ToCsv(),
                    "json" => report.ToJson() + "\n",
                    _ => report.ToMarkdown(),
                });
                return ExitCode.Done;
            });
    }

    static BenchModel Entrant(string argument)
    {
        var model = LoadedModel.Load(argument);
        return BenchModel.Load(model.Path, new LlmOptions { Session = model.Options(0) });
    }

    static int[] Positive(int[] counts) => [.. counts.Where(count => count > 0)];
}
