using Xunit;

namespace OnnxEff.Tests.Testing;

/// <summary>Where test data lies.</summary>
public static class Fixtures
{
    /// <summary>The repository's root.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>A file or folder among the committed fixtures.</summary>
    public static string Of(params string[] parts) => Path.Combine([Root, "tests", "fixtures", .. parts]);

    /// <summary>Names of the folders with an exported model.</summary>
    public static IEnumerable<string> Cells => Directory.GetDirectories(Of()).Where(d => File.Exists(Path.Combine(d, "model.onnx")))
        .Select(d => Path.GetFileName(d)).Order(StringComparer.Ordinal);

    /// <summary>The folder of larger models, beside the repository or where ONNXEFF_SHARED_MODELS says; skips the test if absent.</summary>
    public static string SharedModels(params string[] parts)
    {
        var folder = SharedRoot;
        if (!Directory.Exists(folder))
            Assert.Skip($"The larger models are not at '{folder}'; set ONNXEFF_SHARED_MODELS to their folder.");
        return Path.Combine([folder, .. parts]);
    }

    /// <summary>A file or folder of the larger models; skips the test where it is absent.</summary>
    public static string Shared(params string[] parts)
    {
        var full = SharedModels(parts);
        if (!Path.Exists(full))
            Assert.Skip($"'{string.Join('/', parts)}' is not among the larger models.");
        return full;
    }

    /// <summary>Names of the files below a folder of the larger models; one empty name if they are absent.</summary>
    public static IEnumerable<string> SharedFiles(string pattern, params string[] parts)
    {
        var folder = Path.Combine([SharedRoot, .. parts]);
        return Directory.Exists(folder)
            ? Directory.EnumerateFiles(folder, pattern, SearchOption.AllDirectories)
                .Select(f => Path.GetRelativePath(SharedRoot, f)).Order(StringComparer.Ordinal)
            : [""];
    }

    static string SharedRoot => Environment.GetEnvironmentVariable("ONNXEFF_SHARED_MODELS")
        ?? Path.Combine(Root, "..", "shared", "models");

    static string FindRoot()
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "OnnxEff.sln")))
                return folder;
        }
        throw new DirectoryNotFoundException("The tests do not run below the repository's root.");
    }
}
