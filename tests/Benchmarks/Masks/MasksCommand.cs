using System.CommandLine;
using System.Globalization;
using System.Text;
using OnnxEff.Benchmarks.Limits;
using OnnxEff.Benchmarks.Running;
using OnnxEff.Cli;
using OnnxEff.Runtime;

namespace OnnxEff.Benchmarks.Masks;

/// <summary><c>masks</c>: measures, prints the report and leaves it in a folder.</summary>
static class MasksCommand
{
    static readonly CultureInfo s_english = CultureInfo.InvariantCulture;

    public static Command Create()
    {
        var tokens = new Option<int>("--tokens") { Description = "N, queries and keys; ONNX Runtime holds N×N scores of 4 heads twice.", DefaultValueFactory = _ => 16384 };
        var threads = new Option<int>("--threads") { Description = "Threads of each session.", DefaultValueFactory = _ => 1 };
        var only = new Option<string>("--only") { Description = "Only masks whose name contains this.", DefaultValueFactory = _ => "" };
        var quick = new Option<bool>("--quick") { Description = "One round each." };
        var output = new Option<string>("--output") { Description = "Folder for masks.md.", DefaultValueFactory = _ => Path.Combine("artifacts", "bench") };
        var command = new Command("masks", """
            BlockMaskedAttention by a BlockMaskPlan beside the same attention without a mask, and beside ONNX Runtime's operators with
            the mask as a dense bias: heads 4/1 of 128.

            Example: ./build.sh bench masks --tokens 8192 --threads 2
            """)
        { tokens, threads, only, quick, output };
        command.SetAction(parse =>
        {
            if (Needed.Find() is not { } library) return (int)ExitCode.InputOutput;
            var benchmark = new MaskBenchmark(library, parse.GetValue(tokens), parse.GetValue(quick) ? Effort.Smoke : new(3, 0), Console.Error.WriteLine);
            MaskCase[] masks = Needed.Named(MaskCase.All, mask => mask.Name, parse.GetValue(only)!);
            if (masks.Length == 0) return (int)ExitCode.Usage;
            var measured = new List<MaskMeasurement>();
            foreach (MaskCase mask in masks)
            {
                measured.Add(benchmark.Measure(mask, parse.GetValue(threads)));
                Console.Error.Write(Row(measured[^1])); // A run takes minutes: what is known is shown.
            }
            string report = Report(measured, parse.GetValue(tokens));
            File.WriteAllText(Path.Combine(Directory.CreateDirectory(parse.GetValue(output)!).FullName, "masks.md"), report);
            Console.Out.Write(report);
            return (int)ExitCode.Done;
        });
        return command;
    }

    static string Report(IReadOnlyList<MaskMeasurement> measured, int tokens)
    {
        var text = new StringBuilder();
        text.Append(s_english, $"""
            # Masks over {tokens} tokens

            - Processor: {Machine.Processor}, {Environment.ProcessorCount} threads
            - Operator library: {string.Join(", ", Machine.OperatorLibraries)}
            - ONNX Runtime {OrtRuntime.Version}, threads do not spin

            Medians of runs that take turns. Of live tiles: the attention's time, of what its live tiles would take at the speed without a mask. Ratios
            say how many times as long ONNX Runtime takes.


            """);
        string[] ways = [.. measured.SelectMany(m => m.Biased).Select(b => b.Way).Distinct()];
        text.Append(s_english, $"| mask | threads | live tiles | plan | attention | without mask | of live tiles | {string.Join(" | ", ways)} |\n");
        text.Append(s_english, $"| --- |{string.Concat(Enumerable.Repeat(" ---: |", 6 + ways.Length))}\n");
        return text.AppendJoin("", measured.Select(Row)).ToString();
    }

    static string Row(MaskMeasurement m) => string.Create(s_english,
        $"| {m.Mask} | {m.Threads} | {m.LiveShare * 100:F1} % | {m.Plan * 1e3:F1} ms | {m.Ours:F3} s | {m.Dense:F3} s | {m.OfLiveTiles:F2} | {string.Join(" | ", m.Biased.Select(b => string.Create(s_english, $"{b.Seconds:F2} s ({b.Seconds / m.Ours:F1}×)")))} |\n");
}
