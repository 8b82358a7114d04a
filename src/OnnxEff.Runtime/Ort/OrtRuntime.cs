using System.Text;

namespace OnnxEff.Runtime;

/// <summary>
/// The process's ONNX Runtime: which library it is, and the environment that every session shares.
/// </summary>
public static unsafe class OrtRuntime
{
    const int LogFatal = 4; // errors arrive as exceptions with the same text

    // One environment serves the whole process: ONNX Runtime keeps global state in it and expects it to outlive sessions.
    static readonly Lazy<nint> Environment = new(() =>
    {
        var api = OrtApi.Instance;
        nint environment;
        fixed (byte* name = "onnxeff\0"u8)
            api.Check(api.CreateEnv(LogFatal, name, &environment), "ONNX Runtime's environment cannot be created");
        api.Check(api.DisableTelemetryEvents(environment), "ONNX Runtime's telemetry cannot be turned off");
        return environment;
    });

    static readonly Lazy<nint> CpuMemoryInfo = new(() =>
    {
        var api = OrtApi.Instance;
        nint memory;
        api.Check(api.CreateCpuMemoryInfo(0, 0, &memory), "ONNX Runtime's CPU memory cannot be described");
        return memory;
    });

    /// <summary>The library's own version, "1.30.0". Loads the library.</summary>
    /// <exception cref="OrtLibraryException">No usable library.</exception>
    public static string Version => OrtApi.Instance.RuntimeVersion;

    /// <summary>Which library file is in use. Loads the library.</summary>
    /// <exception cref="OrtLibraryException">No usable library.</exception>
    public static OrtLibraryLocation Location => OrtApi.Instance.Location;

    /// <summary>The library's build description: commit, build type, features.</summary>
    public static string BuildInfo => OrtApi.Utf8(OrtApi.Instance.GetBuildInfoString());

    /// <summary>The execution providers that the library was built with, in its order of preference.</summary>
    public static IReadOnlyList<string> Providers
    {
        get
        {
            var api = OrtApi.Instance;
            byte** names;
            int count;
            api.Check(api.GetAvailableProviders(&names, &count), "The execution providers cannot be listed");
            var providers = new string[count];
            for (var i = 0; i < count; i++) providers[i] = OrtApi.Utf8(names[i]);
            api.Check(api.ReleaseAvailableProviders(names, count), "The list of execution providers cannot be released");
            return providers;
        }
    }

    internal static nint Env => Environment.Value;

    internal static nint CpuMemory => CpuMemoryInfo.Value;

    internal static nint Allocator
    {
        get
        {
            nint allocator;
            OrtApi.Instance.Check(OrtApi.Instance.GetAllocatorWithDefaultOptions(&allocator), "No default allocator");
            return allocator;
        }
    }

    /// <summary>The text of a string that ONNX Runtime allocated with its default allocator, which is freed.</summary>
    internal static string Take(byte* text)
    {
        var result = OrtApi.Utf8(text);
        OrtApi.Instance.Check(OrtApi.Instance.AllocatorFree(Allocator, text), "A string cannot be freed");
        return result;
    }

    /// <summary>A path, zero-terminated, in the encoding of ORTCHAR_T.</summary>
    internal static byte[] NativePath(string path) =>
        (OperatingSystem.IsWindows() ? Encoding.Unicode : Encoding.UTF8).GetBytes(path + '\0');

    /// <summary>A C string.</summary>
    internal static byte[] CString(string text) => Encoding.UTF8.GetBytes(text + '\0');
}
