using System.Runtime.InteropServices;

namespace OnnxEff.Ops.Native;

/// <summary>Finds the native library with OnnxEff's operators.</summary>
public static class OnnxEffLibrary
{
    static readonly string FileName =
        OperatingSystem.IsWindows() ? "onnxeff_ops.dll"
        : OperatingSystem.IsMacOS() ? "libonnxeff_ops.dylib"
        : "libonnxeff_ops.so";

    /// <summary>The library's full path, for <c>SessionOptions.RegisterCustomOpLibraryV2</c>.</summary>
    /// <exception cref="FileNotFoundException">The package carries no library for this system.</exception>
    public static string Path { get; } = Candidates().FirstOrDefault(File.Exists)
        ?? throw new FileNotFoundException(
            $"{FileName} is in none of the application's native folders: the package carries no library for {Rid}.", FileName);

    static string Rid =>
        (OperatingSystem.IsWindows() ? "win-" : OperatingSystem.IsMacOS() ? "osx-" : "linux-")
        + RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();

    // An application published for one system has native files beside it; one built for any system has them by system; and the
    // host lists folders of its own, such as the package cache during development.
    static IEnumerable<string> Candidates()
    {
        var application = AppContext.BaseDirectory;
        yield return System.IO.Path.Combine(application, FileName);
        yield return System.IO.Path.Combine(application, "runtimes", Rid, "native", FileName);
        var listed = AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "";
        foreach (var folder in listed.Split(System.IO.Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
            yield return System.IO.Path.Combine(folder, FileName);
    }
}
