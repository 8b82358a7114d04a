using System.Diagnostics;
using System.Runtime.InteropServices;

namespace OnnxEff.Benchmarks.Limits;

/// <summary>What a report says about where it was made.</summary>
static class Machine
{
    /// <summary>The processor's name, or its architecture where the system does not say.</summary>
    public static string Processor
    {
        get
        {
            const string Key = "model name", CpuInfo = "/proc/cpuinfo";
            string? line = File.Exists(CpuInfo) ? File.ReadLines(CpuInfo).FirstOrDefault(line => line.StartsWith(Key, StringComparison.Ordinal)) : null;
            return line?.Split(':', 2)[1].Trim() ?? RuntimeInformation.ProcessArchitecture.ToString();
        }
    }

    /// <summary>The level of the instruction set that an operator library chooses here: "v4" for AVX-512, "v3" for AVX2.</summary>
    public static unsafe string LevelOf(string library)
    {
        const string Key = "level=";
        byte* text = ((delegate* unmanaged[Cdecl]<byte*>)NativeLibrary.GetExport(NativeLibrary.Load(library), "OnnxEffInfo"))();
        string[] lines = (Marshal.PtrToStringUTF8((nint)text) ?? "").Split('\n');
        return lines.FirstOrDefault(line => line.StartsWith(Key, StringComparison.Ordinal))?[Key.Length..] ?? "unknown";
    }

    /// <summary>The file names of the operator libraries in this process: the one that hosts load and the sibling that it chose.</summary>
    public static IReadOnlyList<string> OperatorLibraries
    {
        get
        {
            using var process = Process.GetCurrentProcess();
            return [.. process.Modules.Cast<ProcessModule>().Select(module => module.ModuleName)
                .Where(name => name.Contains("onnxeff_ops", StringComparison.Ordinal)).Distinct().Order()];
        }
    }
}
