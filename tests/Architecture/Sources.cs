using OnnxEff.Tests.Testing;

namespace OnnxEff.Tests.Architecture;

/// <summary>The repository's own files.</summary>
static class Sources
{
    /// <summary>All C# files in these folders of the repository.</summary>
    public static IEnumerable<string> CSharp(params string[] folders) => folders
        .Select(folder => Path.Combine(Fixtures.Root, folder)).Where(Directory.Exists)
        .SelectMany(folder => Directory.GetFiles(folder, "*.cs", SearchOption.AllDirectories));

    /// <summary>The text of one file.</summary>
    public static string Read(string path) => File.ReadAllText(Path.Combine(Fixtures.Root, path));
}
