using System.CommandLine;
using OnnxEff.Benchmarks.Limits;
using OnnxEff.Benchmarks.Running;
using OnnxEff.Cli;
using OnnxEff.Runtime;

namespace OnnxEff.Benchmarks.LowBit;

/// <summary><c>low-bit</c>: products with low-bit weights beside ONNX Runtime's, as a table.</summary>
static class LowBitCommand
{
    static readonly (int Outputs, int Inputs)[] Large = [(4096, 4096), (4096, 14336), (14336, 4096)], SmolLm2 = [(960, 576), (576, 576), (1536, 576), (576, 1536)];

    public static Command Create()
    {
        var quick = new Option<bool>("--quick") { Description = "One small shape, one round: shows that everything runs, not how fast." };
        var threads = Numbers("--threads", "Numbers of threads.", [1, 2]);
        var tokens = Numbers("--tokens", "Rows of activations.", [1, 8, 512]);
        var forms = new Option<string>("--forms") { Description = "Only forms whose name contains this.", DefaultValueFactory = _ => "" };
        var shape = new Option<(int, int)?>("--shape")
        {
            Description = "Weights of this size only, as 4096x14336: outputs, then inputs. One as small as 64x64 shows what a node costs without its weights.",
            CustomParser = result =>
            {
                if (result.Tokens[0].Value.Split('x') is [var first, var second] && int.TryParse(first, out int outputs) && int.TryParse(second, out int inputs) && Math.Min(outputs, inputs) > 0) return (outputs, inputs);
                result.AddError($"--shape is two sizes, as 4096x14336, not '{result.Tokens[0].Value}'.");
                return null;
            },
        };
        var against = new Option<string?>("--against") { Description = "Another build of the operator library: how many times its time ours takes stands beside each." };
        var command = new Command("low-bit", """
            VqMatMul, VptqMatMul and AffineMatMul of the published operator library beside ONNX Runtime's MatMulNBits (4 bits, blocks of 32, accuracy level 4) and its
            MatMul in fp32, taking turns in one process. A time is that of one node in a run of several, between which threads spin: of eight with one weight, in cache (of one, where it is long),
            or of so many with a weight each that no cache holds them. Beside it stands how many times that of MatMulNBits and, where measured, of MatMul it is; for weights
            out of the caches, the share of the read speed, measured in the same rounds, at which the weight's codes arrive.

            Example: ./build.sh bench low-bit --tokens 1 --threads 1 --forms "Vq v2"
            """)
        { quick, threads, tokens, forms, shape, against };
        command.SetAction(parse =>
        {
            if (Needed.Find() is not { } library) return (int)ExitCode.InputOutput;
            if (Needed.Named(LowBitForm.Ours, form => form.Name, parse.GetValue(forms)!) is not [_, ..] chosen) return (int)ExitCode.Usage;
            Effort effort = parse.GetValue(quick) ? Effort.Smoke : Effort.Full;
            string[] head = ["N × K", "tokens", "threads", "weights", LowBitForm.MatMulNBits.Name, LowBitForm.MatMul.Name, .. chosen.Select(form => form.Name)];
            Console.Out.WriteLine($"{Machine.Processor}; ONNX Runtime {OrtRuntime.Version}; medians of runs that take turns\n");
            Console.Out.WriteLine($"| {string.Join(" | ", head)} |\n|---|{string.Concat(Enumerable.Repeat("---:|", head.Length - 1))}");
            foreach (LowBitCase one in Cases(parse.GetValue(quick), parse.GetValue(tokens)!, parse.GetValue(shape)))
                foreach (int count in parse.GetValue(threads)!)
                    Console.Out.WriteLine(new LowBitRow(one, count, chosen, library, parse.GetValue(against), effort).Text());
            return (int)ExitCode.Done;
        });
        return command;
    }

    static IEnumerable<LowBitCase> Cases(bool quick, int[] tokens, (int Outputs, int Inputs)? only)
    {
        if (quick) return tokens.Select(t => new LowBitCase(256, 128, t, t == 1 ? 2 : 1));
        return from shape in only is { } given ? [given] : (IEnumerable<(int Outputs, int Inputs)>)[.. Large, .. SmolLm2]
               from count in tokens
               from one in (IEnumerable<LowBitCase>)(count == 1 // Many tokens are not bound by the weights' bytes.
                   ? [new(shape.Outputs, shape.Inputs, count, 1), LowBitCase.OutOfCache(shape.Outputs, shape.Inputs, count)]
                   : [new(shape.Outputs, shape.Inputs, count, 1)])
               select one;
    }

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
