using System.CommandLine;
using System.Globalization;
using OnnxEff.Benchmarks.Limits;
using OnnxEff.Benchmarks.Running;
using OnnxEff.Cli;
using OnnxEff.Runtime;

namespace OnnxEff.Benchmarks.LowBit;

/// <summary><c>low-bit</c>: products with low-bit weights beside ONNX Runtime's of 4 bits, as a table.</summary>
static class LowBitCommand
{
    static readonly (string Name, int Centroids, int Residual)[] Forms = [("v8 256+256", 256, 256), ("v8 4096", 4096, 0), ("v8 65536", 65536, 0)];

    public static Command Create()
    {
        var quick = new Option<bool>("--quick") { Description = "One small shape, one round: shows that everything runs, not how fast." };
        var threads = Numbers("--threads", "Numbers of threads.", [1, 2]);
        var tokens = Numbers("--tokens", "Rows of activations.", [1, 8, 512]);
        var command = new Command("low-bit", """
            VptqMatMul of the published operator library beside ONNX Runtime's MatMulNBits (4 bits, blocks of 32, accuracy level 4), taking turns in one
            process, with weights in the caches and out of them.

            Example: ./build.sh bench low-bit --tokens 1 --threads 1
            """)
        { quick, threads, tokens };
        command.SetAction(parse =>
        {
            if (Needed.Find() is not { } library) return (int)ExitCode.InputOutput;
            Effort effort = parse.GetValue(quick) ? Effort.Smoke : Effort.Full;
            Console.Out.WriteLine($"{Machine.Processor}; ONNX Runtime {OrtRuntime.Version}; medians of runs that take turns\n");
            Console.Out.WriteLine($"| N × K | tokens | threads | weights | MatMulNBits | {string.Join(" | ", Forms.Select(form => form.Name))} |");
            Console.Out.WriteLine($"|---|---:|---:|---|---:|{string.Concat(Forms.Select(_ => "---:|"))}");
            foreach (LowBitCase one in Cases(parse.GetValue(quick), parse.GetValue(tokens)!))
                foreach (int count in parse.GetValue(threads)!)
                    Console.Out.WriteLine(Row(one, count, library, effort));
            return (int)ExitCode.Done;
        });
        return command;
    }

    static IEnumerable<LowBitCase> Cases(bool quick, int[] tokens)
    {
        if (quick) return tokens.Select(t => new LowBitCase(256, 128, t, 2));
        return from shape in new[] { (4096, 4096), (4096, 14336), (14336, 4096) }
               from count in tokens
               from layers in count == 1 ? [1, 16] : (int[])[1] // Many tokens are not bound by the weights' bytes.
               select new LowBitCase(shape.Item1, shape.Item2, count, layers);
    }

    static string Row(LowBitCase one, int threads, string library, Effort effort)
    {
        // Threads of one session that spin would take the processor from the other one.
        var options = new OrtSessionOptions { IntraOpThreads = threads, Spinning = false };
        OrtTensor x = one.Activations();
        using BoundSession rival = one.MatMulNBits(x).Open(options);
        BoundSession[] ours = [.. Forms.Select(form => one.Vptq(x, form.Centroids, form.Residual).Open(options with { CustomOpLibraries = [library] }))];
        double[] seconds = Turns.Medians(effort, [rival.Run, .. ours.Select(session => (Action)session.Run)]);
        foreach (BoundSession session in ours) session.Dispose();
        string[] cells =
        [
            $"{one.Outputs} × {one.Inputs}", $"{one.Tokens}", $"{threads}", one.Layers == 1 ? "in cache" : $"{one.Layers} layers", Time(seconds[0] / one.Layers),
            .. seconds.Skip(1).Select(s => $"{Time(s / one.Layers)} ({(s / seconds[0]).ToString("F2", CultureInfo.InvariantCulture)}×)"),
        ];
        return $"| {string.Join(" | ", cells)} |";
    }

    static string Time(double seconds) => string.Create(CultureInfo.InvariantCulture, $"{seconds * 1e3:F3} ms");

    static Option<int[]> Numbers(string name, string description, int[] missing)
    {
        var option = new Option<int[]>(name) { Description = description, DefaultValueFactory = _ => missing, AllowMultipleArgumentsPerToken = true };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int[]>().Any(count => count < 1)) result.AddError($"{name} takes numbers from 1 on.");
        });
        return option;
    }
}
