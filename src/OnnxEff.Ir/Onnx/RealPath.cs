namespace OnnxEff.Ir.Onnx;

/// <summary>Resolves all symbolic links of a path, also those of its folders.</summary>
internal static class RealPath
{
    const int MaxLinks = 40; // As the kernel does.

    /// <summary>The path without links. What does not exist is kept as it is.</summary>
    /// <exception cref="IOException">The links go in a circle.</exception>
    public static string Of(string path)
    {
        var links = 0;
        var full = Path.GetFullPath(path);
        var root = Path.GetPathRoot(full)!;
        var rest = new Stack<string>(Parts(full[root.Length..]));
        var real = root;
        while (rest.TryPop(out var part))
        {
            var next = Path.GetFullPath(Path.Combine(real, part));
            if (new FileInfo(next).LinkTarget is not { } target)
            {
                real = next;
                continue;
            }
            if (++links > MaxLinks)
                throw new IOException($"'{path}' goes through too many symbolic links; give the path of the file itself.");
            if (Path.IsPathRooted(target))
                real = Path.GetPathRoot(target)!;
            foreach (var piece in Parts(target[(Path.GetPathRoot(target)?.Length ?? 0)..]))
                rest.Push(piece);
        }
        return real;
    }

    /// <summary>True if a real path lies below a real folder.</summary>
    public static bool IsInside(string path, string folder) =>
        path.StartsWith(Path.EndsInDirectorySeparator(folder) ? folder : folder + Path.DirectorySeparatorChar, StringComparison.Ordinal);

    /// <summary>The parts, last first.</summary>
    static IEnumerable<string> Parts(string path) =>
        Enumerable.Reverse(
        path.Split([Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar], StringSplitOptions.RemoveEmptyEntries));
}
