using System.Diagnostics;
using System.Security.Cryptography;
using OnnxEff.Cli;

namespace OnnxEff.Benchmarks.Table;

/// <summary>How a run of the tool ended.</summary>
/// <param name="Code">The exit code.</param>
/// <param name="Output">The result.</param>
/// <param name="LastError">The last line of the error stream: where it failed, the reason.</param>
sealed record ToolAnswer(int Code, string Output, string LastError);

/// <summary>The published command line, as its users run it: time and memory are its own.</summary>
/// <param name="executable">The file.</param>
/// <param name="threads">Threads of every command.</param>
/// <param name="tell">Gets what it says while it works.</param>
sealed class PublishedTool(string executable, int threads, Action<string> tell)
{
    const string Variable = "ONNXEFF_CLI";

    /// <summary>A digest of the executable and of the operator libraries.</summary>
    public string Build { get; } = Digest(executable);

    /// <summary>Where it is, or the reason why not.</summary>
    public static string? Find(out string reason)
    {
        string path = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named ? named
            : Path.Combine("artifacts", "bin", OperatingSystem.IsWindows() ? "onnxeff.exe" : "onnxeff");
        reason = File.Exists(path) ? "" : $"'{path}' does not exist: run ./build.sh publish, or set {Variable} to the command line's file.";
        return reason.Length == 0 ? Path.GetFullPath(path) : null;
    }

    /// <summary>Runs it to its end.</summary>
    public ToolAnswer Run(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(executable, [.. arguments, "--threads", $"{threads}"]) { RedirectStandardOutput = true, RedirectStandardError = true })
            ?? throw new InvalidOperationException($"{executable} did not start.");
        string last = "";
        process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is not { Length: > 0 } text) return;
            last = text;
            tell($"  {text}");
        };
        process.BeginErrorReadLine();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new(process.ExitCode, output, last);
    }

    static string Digest(string executable)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        OperatorLibrary? library = OperatorLibrary.Find(out _);
        foreach (string file in (string[])[executable, .. library is null ? [] : (string[])[library.Path, .. OperatorLibrary.Levels.Select(library.Sibling)]])
            if (File.Exists(file)) hash.AppendData(File.ReadAllBytes(file));
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..12];
    }
}
