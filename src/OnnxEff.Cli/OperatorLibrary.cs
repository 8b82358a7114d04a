namespace OnnxEff.Cli;

/// <summary>Where the operator library is.</summary>
/// <param name="Path">The file.</param>
/// <param name="Source">The rule that found it, in words.</param>
public sealed record OperatorLibrary(string Path, string Source)
{
    /// <summary>The environment variable that names the library file.</summary>
    public const string Variable = "ONNXEFF_OPS_LIB";

    /// <summary>The levels of the instruction set for which a sibling library is published.</summary>
    public static IReadOnlyList<string> Levels { get; } = ["v3", "v4"];

    static readonly string FileName =
        OperatingSystem.IsWindows() ? "onnxeff_ops.dll"
        : OperatingSystem.IsMacOS() ? "libonnxeff_ops.dylib"
        : "libonnxeff_ops.so";

    /// <summary>The first of: the file named by the variable, beside the executable, <c>artifacts/bin</c> in a folder above.</summary>
    /// <param name="reason">Where nothing is found, the sentence that says so.</param>
    public static OperatorLibrary? Find(out string reason)
    {
        reason = "";
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named)
        {
            if (File.Exists(named)) return new(System.IO.Path.GetFullPath(named), Variable);
            reason = $"{Variable} names '{named}', which is not a file: correct or unset it.";
            return null;
        }

        var beside = System.IO.Path.Combine(AppContext.BaseDirectory, FileName);
        if (File.Exists(beside)) return new(beside, "beside the executable");
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var published = System.IO.Path.Combine(folder.FullName, "artifacts", "bin", FileName);
            if (File.Exists(published)) return new(published, "artifacts/bin");
        }
        reason = $"{FileName} is neither beside the executable nor in artifacts/bin: run ./build.sh publish, or set {Variable} to the file.";
        return null;
    }

    /// <summary>The library, which must be there.</summary>
    /// <exception cref="CommandException">It is not.</exception>
    public static OperatorLibrary Require() =>
        Find(out var reason) ?? throw new CommandException(ExitCode.InputOutput, reason);

    /// <summary>The sibling for a level, whether or not it is there.</summary>
    public string Sibling(string level) =>
        System.IO.Path.Combine(System.IO.Path.GetDirectoryName(Path)!, $"{System.IO.Path.GetFileNameWithoutExtension(Path)}.{level}{System.IO.Path.GetExtension(Path)}");
}
