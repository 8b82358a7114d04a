using OnnxEff.Cli;
using OnnxEff.Runtime;

namespace OnnxEff.Benchmarks.Running;

/// <summary>What every measurement needs.</summary>
static class Needed
{
    /// <summary>The published operator library; null, with the reason told, where it or ONNX Runtime is not at hand.</summary>
    public static string? Find()
    {
        if (OperatorLibrary.Find(out string reason) is { } library && OrtLibrary.TryFind(out reason) is not null) return library.Path;
        Console.Error.WriteLine(reason);
        return null;
    }

    /// <summary>Those whose name contains a text; empty, with the names told, where there is none.</summary>
    public static T[] Named<T>(IReadOnlyList<T> all, Func<T, string> name, string text)
    {
        T[] found = [.. all.Where(one => name(one).Contains(text, StringComparison.Ordinal))];
        if (found.Length == 0) Console.Error.WriteLine($"No case's name contains '{text}'; they are: {string.Join("; ", all.Select(name))}.");
        return found;
    }
}
