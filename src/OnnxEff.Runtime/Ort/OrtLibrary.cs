using System.Runtime.InteropServices;

namespace OnnxEff.Runtime;

/// <summary>Where the native ONNX Runtime library was found.</summary>
/// <param name="Path">A file, or a bare name that the system's loader resolves.</param>
/// <param name="Source">The rule that found it, in words.</param>
public sealed record OrtLibraryLocation(string Path, string Source);

/// <summary>
/// Finds ONNX Runtime's native library. The order: the file named by <c>ONNXEFF_ORT_LIB</c>; beside the executable;
/// <c>artifacts/ort/</c> in the executable's folder, the working directory, or a folder above either; the system's library path.
/// </summary>
public static class OrtLibrary
{
    /// <summary>The environment variable that names the library file.</summary>
    public const string Variable = "ONNXEFF_ORT_LIB";

    static readonly string[] FileNames =
        OperatingSystem.IsWindows() ? ["onnxruntime.dll"]
        : OperatingSystem.IsMacOS() ? ["libonnxruntime.dylib", "libonnxruntime.1.dylib"]
        : ["libonnxruntime.so", "libonnxruntime.so.1"];

    /// <summary>The first location that the order yields.</summary>
    /// <exception cref="OrtLibraryException">Nothing was found, or the variable names a file that is absent.</exception>
    public static OrtLibraryLocation Find() => TryFind(out var reason) ?? throw new OrtLibraryException(reason);

    /// <summary>As <see cref="Find"/>; null with the reason where nothing is found.</summary>
    public static OrtLibraryLocation? TryFind(out string reason)
    {
        reason = "";
        var named = Environment.GetEnvironmentVariable(Variable);
        if (!string.IsNullOrEmpty(named))
        {
            if (File.Exists(named)) return new(Path.GetFullPath(named), Variable);
            reason = $"{Variable} names '{named}', which is not a file: correct or unset it.";
            return null;
        }

        if (InFolder(AppContext.BaseDirectory) is { } beside) return new(beside, "beside the executable");
        foreach (var start in (string[])[AppContext.BaseDirectory, Directory.GetCurrentDirectory()])
            for (var folder = new DirectoryInfo(start); folder is not null; folder = folder.Parent)
                if (InFolder(Path.Combine(folder.FullName, "artifacts", "ort")) is { } fetched)
                    return new(fetched, "artifacts/ort");

        foreach (var name in FileNames)
            if (NativeLibrary.TryLoad(name, out _))
                return new(name, "the system's library path");

        reason = "No ONNX Runtime library was found beside the executable, in artifacts/ort or in the system's library path: "
            + $"run eng/fetch-onnxruntime.sh (build.sh restore does), or set {Variable} to the library file.";
        return null;
    }

    static string? InFolder(string folder) =>
        FileNames.Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
}
