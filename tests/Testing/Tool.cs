using System.Diagnostics;

namespace OnnxEff.Tests.Testing;

/// <summary>What a finished process said.</summary>
public sealed record ToolResult(int ExitCode, string Output, string Error);

/// <summary>Runs other programs.</summary>
public static class Tool
{
    const int LimitMilliseconds = 300_000;

    /// <summary>Runs a program to its end.</summary>
    /// <param name="program">A path, or a name that the system finds.</param>
    /// <param name="arguments">The arguments, not quoted.</param>
    /// <param name="environment">Variables to set; null removes one.</param>
    public static ToolResult Run(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?>? environment = null)
    {
        using var process = Start(program, arguments, environment);
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(LimitMilliseconds))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} did not end within {LimitMilliseconds / 1000} s.");
        }
        return new(process.ExitCode, output.GetAwaiter().GetResult(), error.GetAwaiter().GetResult());
    }

    /// <summary>Starts a program with its output streams redirected.</summary>
    public static Process Start(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?>? environment = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Fixtures.Root,
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string?>()) start.Environment[name] = value;
        return Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start.");
    }

    /// <summary>The full path of a program that the system would find by its name, or null.</summary>
    public static string? Find(params ReadOnlySpan<string> names)
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        foreach (var name in names)
            foreach (var folder in folders)
                if (Path.Combine(folder, name) is var path && File.Exists(path))
                    return path;
        return null;
    }
}
