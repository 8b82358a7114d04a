using System.CommandLine;
using OnnxEff.Benchmarks.Running;
using OnnxEff.Cli;

namespace OnnxEff.Benchmarks.Attention;

/// <summary><c>attention</c>: measures, prints the report and leaves it, with a plot, in a folder.</summary>
static class AttentionCommand
{
    public static Command Create()
    {
        var quick = new Option<bool>("--quick") { Description = "Small shapes, few rounds: shows that everything runs, not how fast." };
        var only = new Option<string>("--only") { Description = "Only cases whose name contains this.", DefaultValueFactory = _ => "" };
        var threads = new Option<int[]>("--threads") { Description = "Numbers of threads.", DefaultValueFactory = _ => [1, 2], AllowMultipleArgumentsPerToken = true };
        threads.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int[]>().Any(count => count < 1)) result.AddError("--threads takes numbers from 1 on.");
        });
        var against = new Option<string?>("--against") { Description = "Another build of the operator library, to be measured instead of ONNX Runtime's operators." };
        var output = new Option<string>("--output") { Description = "Folder for attention.md and attention.svg.", DefaultValueFactory = _ => Path.Combine("artifacts", "bench") };
        var command = new Command("attention", """
            BlockMaskedAttention of the published operator library beside ONNX Runtime's own attention operators, taking turns in one
            process, and the machine's limits measured between them.

            Example: ./build.sh bench attention --only decode --threads 2
            """)
        { quick, only, threads, against, output };
        command.SetAction(parse =>
        {
            if (Needed.Find() is not { } library) return (int)ExitCode.InputOutput;
            bool small = parse.GetValue(quick);
            IReadOnlyList<AttentionCase> all = small ? AttentionCase.Quick : AttentionCase.Full;
            AttentionCase[] cases = Needed.Named(all, c => c.Name, parse.GetValue(only)!);
            AttentionWay ours = AttentionWay.Ours with { Library = library };
            IReadOnlyList<AttentionWay> others = parse.GetValue(against) is { } build ? [ours with { Name = "other build", Library = build }] : AttentionWay.OfOnnxRuntime;
            AttentionCase[] alone = [.. cases.Where(c => !others.Any(way => way.Takes(c)))];
            foreach (AttentionCase c in alone) Console.Error.WriteLine($"{c.Name} is left out: ONNX Runtime has nothing to put beside it. Use --against.");
            cases = [.. cases.Except(alone)];
            if (cases.Length == 0) return (int)ExitCode.Usage;
            var benchmark = new AttentionBenchmark(ours, others, small ? Effort.Smoke : Effort.Full, Console.Error.WriteLine);
            var report = new AttentionReport([.. parse.GetValue(threads)!.SelectMany(count => cases.Select(c => benchmark.Measure(c, count)))]);
            string folder = Directory.CreateDirectory(parse.GetValue(output)!).FullName;
            File.WriteAllText(Path.Combine(folder, "attention.md"), report.ToMarkdown());
            File.WriteAllText(Path.Combine(folder, "attention.svg"), report.ToSvg());
            Console.Out.Write(report.ToMarkdown());
            return (int)ExitCode.Done;
        });
        return command;
    }
}
