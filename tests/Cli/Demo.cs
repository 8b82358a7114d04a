using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Cli;

/// <summary>The model in the repository, and what every failure of the command line has in common.</summary>
static class Demo
{
    /// <summary>The model file.</summary>
    public static string Model { get; } = Path.Combine(Fixtures.Root, "models", "kjv", "model.onnx");

    /// <summary>The documented code, one sentence on the error stream, no stack trace, no result.</summary>
    public static void AssertFailed(int code, ToolResult result)
    {
        Assert.True(code == result.ExitCode, $"exit {result.ExitCode}: {result.Error}");
        Assert.Single(result.Error.TrimEnd('\n').Split('\n'));
        Assert.EndsWith(".", result.Error.TrimEnd().TrimEnd(')'), StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
        Assert.Empty(result.Output);
    }
}
