using System.Diagnostics;

namespace OnnxEff.Tests.Testing;

/// <summary>The command line as a process: the executable that <c>ONNXEFF_CLI</c> names (the build names the published one), or the managed one.</summary>
public static class CliProcess
{
    static string? Published => Environment.GetEnvironmentVariable("ONNXEFF_CLI") is { Length: > 0 } path ? path : null;

    /// <summary>Runs it to its end.</summary>
    public static ToolResult Run(params string[] arguments) => RunWith([], arguments);

    /// <summary>Runs it to its end with variables set.</summary>
    public static ToolResult RunWith(Dictionary<string, string?> environment, params string[] arguments) =>
        Tool.Run(Program, Arguments(arguments), environment);

    /// <summary>Starts it.</summary>
    public static Process Start(params string[] arguments) => Tool.Start(Program, Arguments(arguments));

    /// <summary>Runs it to its end, which must be a good one, and says how long processors worked on it.</summary>
    public static double ProcessorMilliseconds(params string[] arguments)
    {
        using var process = Start(arguments);
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEndAsync();
        var time = TimeSpan.Zero;
        while (!process.WaitForExit(1))
        {
            process.Refresh();
            try
            {
                time = process.TotalProcessorTime;
            }
            catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
            {
                // It ended just now.
            }
        }
        process.WaitForExit();
        return process.ExitCode == 0 ? time.TotalMilliseconds
            : throw new InvalidOperationException(error.GetAwaiter().GetResult() + output.GetAwaiter().GetResult());
    }

    /// <summary>The program to start.</summary>
    public static string Program => Published ?? "dotnet";

    /// <summary>The arguments with which the program is the command line.</summary>
    public static IEnumerable<string> Arguments(params string[] arguments) =>
        Published is null ? [Path.Combine(AppContext.BaseDirectory, "onnxeff.dll"), .. arguments] : arguments;
}
