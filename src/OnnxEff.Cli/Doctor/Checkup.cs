using System.Diagnostics;
using System.Runtime.Intrinsics.X86;
using OnnxEff.Cli.Json;
using OnnxEff.Runtime;

namespace OnnxEff.Cli.Doctor;

/// <summary>What <c>doctor</c> looks at, one after the other.</summary>
static class Checkup
{
    const string Ok = "ok", Skipped = "skipped", Failed = "failed";
    const string LevelVariable = "ONNXEFF_ISA";
    const int ChildLimitMilliseconds = 60_000;

    /// <summary>All checks; later ones are left out where an earlier one makes them impossible.</summary>
    public static IEnumerable<DoctorCheckJson> Run()
    {
        if (OrtLibrary.TryFind(out var reason) is not { } ort)
        {
            yield return new("ONNX Runtime", Failed, reason);
            yield break;
        }
        yield return new("ONNX Runtime", Ok, $"{ort.Path} ({ort.Source})");
        var version = Try("ONNX Runtime's version", () => OrtRuntime.Version);
        yield return version;
        if (version.Verdict == Failed) yield break;

        if (OperatorLibrary.Find(out reason) is not { } library)
        {
            yield return new("operator library", Failed, reason);
            yield break;
        }
        yield return new("operator library", Ok, $"{library.Path} ({library.Source})");
        yield return Try("attention", () => AttentionProbe.Run(library.Path));
        foreach (var level in OperatorLibrary.Levels) yield return Level(library, level);
    }

    /// <summary>The attention alone, for a process in which the level is forced.</summary>
    public static DoctorCheckJson Attention(string library) => Try("attention", () => AttentionProbe.Run(library));

    // The level is chosen when the library is loaded, so each is tried in a process of its own.
    static DoctorCheckJson Level(OperatorLibrary library, string level)
    {
        var name = $"operator library, level {level}";
        if (!File.Exists(library.Sibling(level))) return new(name, Failed, $"{library.Sibling(level)} is missing.");
        if (!Supported(level)) return new(name, Skipped, "This processor has not the instructions.");
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, RedirectStandardError = true };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet") start.ArgumentList.Add(Environment.GetCommandLineArgs()[0]);
        start.ArgumentList.Add("doctor");
        start.ArgumentList.Add("--attention-only");
        start.Environment[LevelVariable] = level;
        using var child = Process.Start(start)!;
        var error = child.StandardError.ReadToEndAsync();
        var output = child.StandardOutput.ReadToEnd().Trim();
        if (!child.WaitForExit(ChildLimitMilliseconds)) child.Kill();
        return child.ExitCode == 0 ? new(name, Ok, output) : new(name, Failed, $"{output} {error.GetAwaiter().GetResult()}".Trim());
    }

    // Asked of the processor: Avx2.IsSupported and its like are answered when this program is compiled ahead of time.
    static bool Supported(string level)
    {
        const int features = 7, avx2 = 1 << 5, avx512 = (1 << 16) | (1 << 17) | (1 << 28) | (1 << 30) | (1 << 31); // F, DQ, CD, BW, VL
        if (!X86Base.IsSupported || X86Base.CpuId(0, 0).Eax < features) return false;
        var needed = level == "v4" ? avx2 | avx512 : avx2;
        return (X86Base.CpuId(features, 0).Ebx & needed) == needed;
    }

    static DoctorCheckJson Try(string name, Func<string> check)
    {
        try
        {
            return new(name, Ok, check());
        }
        catch (Exception fault)
        {
            return new(name, Failed, Failure.Of(fault).Sentence);
        }
    }
}
