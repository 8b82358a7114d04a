using System.Runtime.CompilerServices;
using Xunit;

namespace OnnxEff.Tests.Testing;

/// <summary>Finds what tests read. A test that needs something absent is skipped with the reason.</summary>
public static class Fixtures
{
    /// <summary>The repository's root.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>A file or folder of the shared models; skips the test where it is absent.</summary>
    public static string Shared(params ReadOnlySpan<string> path)
    {
        var models = Environment.GetEnvironmentVariable("ONNXEFF_SHARED_MODELS") ?? Path.Combine(Root, "..", "shared", "models");
        var full = Path.Combine([models, .. path]);
        if (!Path.Exists(full))
            Assert.Skip($"'{string.Join('/', path.ToArray())}' is not among the shared models (set ONNXEFF_SHARED_MODELS).");
        return full;
    }

    static string FindRoot([CallerFilePath] string here = "")
    {
        var folder = new DirectoryInfo(Path.GetDirectoryName(here)!);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "OnnxEff.sln"))) folder = folder.Parent;
        return folder?.FullName ?? Directory.GetCurrentDirectory();
    }
}
