using System.Runtime.InteropServices;

namespace OnnxEff.Runtime;

/// <summary>
/// The functions of ONNX Runtime's C API that this project calls, each by its slot in the version's function table.
/// The table only ever grows at its end, so a slot means the same in every release from <see cref="Version"/> on.
/// </summary>
sealed unsafe partial class OrtApi
{
    /// <summary>The lowest API version that has every slot used here; asking for no more lets older runtimes load.</summary>
    public const uint Version = 15; // the highest slot used, 254, is that version's last

    static readonly Lazy<OrtApi> Loaded = new(() => Load(OrtLibrary.Find()));

    readonly nint* slots;

    OrtApi(nint* slots, string runtimeVersion, OrtLibraryLocation location)
    {
        this.slots = slots;
        RuntimeVersion = runtimeVersion;
        Location = location;
    }

    /// <summary>The process's runtime, loaded on first use.</summary>
    /// <exception cref="OrtLibraryException">The library is missing, too old, or not ONNX Runtime.</exception>
    public static OrtApi Instance => Loaded.Value;

    /// <summary>What the library calls itself, "1.30.0".</summary>
    public string RuntimeVersion { get; }

    /// <summary>Which file was loaded.</summary>
    public OrtLibraryLocation Location { get; }

    // Status.
    public delegate* unmanaged<int, byte*, nint> CreateStatus => (delegate* unmanaged<int, byte*, nint>)slots[0];
    public delegate* unmanaged<nint, int> GetErrorCode => (delegate* unmanaged<nint, int>)slots[1];
    public delegate* unmanaged<nint, byte*> GetErrorMessage => (delegate* unmanaged<nint, byte*>)slots[2];
    public delegate* unmanaged<nint, void> ReleaseStatus => (delegate* unmanaged<nint, void>)slots[93];

    // Environment.
    public delegate* unmanaged<int, byte*, nint*, nint> CreateEnv => (delegate* unmanaged<int, byte*, nint*, nint>)slots[3];
    public delegate* unmanaged<nint, nint> DisableTelemetryEvents => (delegate* unmanaged<nint, nint>)slots[6];
    public delegate* unmanaged<nint, void> ReleaseEnv => (delegate* unmanaged<nint, void>)slots[92];
    public delegate* unmanaged<byte***, int*, nint> GetAvailableProviders => (delegate* unmanaged<byte***, int*, nint>)slots[125];
    public delegate* unmanaged<byte**, int, nint> ReleaseAvailableProviders => (delegate* unmanaged<byte**, int, nint>)slots[126];
    public delegate* unmanaged<byte*> GetBuildInfoString => (delegate* unmanaged<byte*>)slots[254];

    // Sessions. Paths are UTF-8, or UTF-16 on Windows.
    public delegate* unmanaged<nint, void*, nint, nint*, nint> CreateSession => (delegate* unmanaged<nint, void*, nint, nint*, nint>)slots[7];
    public delegate* unmanaged<nint, void*, nuint, nint, nint*, nint> CreateSessionFromArray => (delegate* unmanaged<nint, void*, nuint, nint, nint*, nint>)slots[8];
    public delegate* unmanaged<nint, nint, byte**, nint*, nuint, byte**, nuint, nint*, nint> Run => (delegate* unmanaged<nint, nint, byte**, nint*, nuint, byte**, nuint, nint*, nint>)slots[9];
    public delegate* unmanaged<nint, nuint*, nint> SessionGetInputCount => (delegate* unmanaged<nint, nuint*, nint>)slots[30];
    public delegate* unmanaged<nint, nuint*, nint> SessionGetOutputCount => (delegate* unmanaged<nint, nuint*, nint>)slots[31];
    public delegate* unmanaged<nint, nuint, nint*, nint> SessionGetInputTypeInfo => (delegate* unmanaged<nint, nuint, nint*, nint>)slots[33];
    public delegate* unmanaged<nint, nuint, nint*, nint> SessionGetOutputTypeInfo => (delegate* unmanaged<nint, nuint, nint*, nint>)slots[34];
    public delegate* unmanaged<nint, nuint, nint, byte**, nint> SessionGetInputName => (delegate* unmanaged<nint, nuint, nint, byte**, nint>)slots[36];
    public delegate* unmanaged<nint, nuint, nint, byte**, nint> SessionGetOutputName => (delegate* unmanaged<nint, nuint, nint, byte**, nint>)slots[37];
    public delegate* unmanaged<nint, nint, byte**, nint> SessionEndProfiling => (delegate* unmanaged<nint, nint, byte**, nint>)slots[110];
    public delegate* unmanaged<nint, void> ReleaseSession => (delegate* unmanaged<nint, void>)slots[95];

    // Session options.
    public delegate* unmanaged<nint*, nint> CreateSessionOptions => (delegate* unmanaged<nint*, nint>)slots[10];
    public delegate* unmanaged<nint, void*, nint> SetOptimizedModelFilePath => (delegate* unmanaged<nint, void*, nint>)slots[11];
    public delegate* unmanaged<nint, void*, nint> EnableProfiling => (delegate* unmanaged<nint, void*, nint>)slots[14];
    public delegate* unmanaged<nint, nint> DisableMemPattern => (delegate* unmanaged<nint, nint>)slots[17];
    public delegate* unmanaged<nint, int, nint> SetSessionGraphOptimizationLevel => (delegate* unmanaged<nint, int, nint>)slots[23];
    public delegate* unmanaged<nint, int, nint> SetIntraOpNumThreads => (delegate* unmanaged<nint, int, nint>)slots[24];
    public delegate* unmanaged<nint, int, nint> SetInterOpNumThreads => (delegate* unmanaged<nint, int, nint>)slots[25];
    public delegate* unmanaged<nint, void> ReleaseSessionOptions => (delegate* unmanaged<nint, void>)slots[100];
    public delegate* unmanaged<nint, byte*, byte*, nint> AddSessionConfigEntry => (delegate* unmanaged<nint, byte*, byte*, nint>)slots[130];
    public delegate* unmanaged<nint, void*, nint> RegisterCustomOpsLibraryV2 => (delegate* unmanaged<nint, void*, nint>)slots[228];

    // Values and their types.
    public delegate* unmanaged<nint, void*, nuint, long*, nuint, int, nint*, nint> CreateTensorWithDataAsOrtValue => (delegate* unmanaged<nint, void*, nuint, long*, nuint, int, nint*, nint>)slots[49];
    public delegate* unmanaged<nint, int*, nint> IsTensor => (delegate* unmanaged<nint, int*, nint>)slots[50];
    public delegate* unmanaged<nint, void**, nint> GetTensorMutableData => (delegate* unmanaged<nint, void**, nint>)slots[51];
    public delegate* unmanaged<nint, nint*, nint> CastTypeInfoToTensorInfo => (delegate* unmanaged<nint, nint*, nint>)slots[55];
    public delegate* unmanaged<nint, int*, nint> GetTensorElementType => (delegate* unmanaged<nint, int*, nint>)slots[60];
    public delegate* unmanaged<nint, nuint*, nint> GetDimensionsCount => (delegate* unmanaged<nint, nuint*, nint>)slots[61];
    public delegate* unmanaged<nint, long*, nuint, nint> GetDimensions => (delegate* unmanaged<nint, long*, nuint, nint>)slots[62];
    public delegate* unmanaged<nint, byte**, nuint, nint> GetSymbolicDimensions => (delegate* unmanaged<nint, byte**, nuint, nint>)slots[63];
    public delegate* unmanaged<nint, nint*, nint> GetTensorTypeAndShape => (delegate* unmanaged<nint, nint*, nint>)slots[65];
    public delegate* unmanaged<nint, void> ReleaseValue => (delegate* unmanaged<nint, void>)slots[96];
    public delegate* unmanaged<nint, void> ReleaseTypeInfo => (delegate* unmanaged<nint, void>)slots[98];
    public delegate* unmanaged<nint, void> ReleaseTensorTypeAndShapeInfo => (delegate* unmanaged<nint, void>)slots[99];

    // Memory.
    public delegate* unmanaged<int, int, nint*, nint> CreateCpuMemoryInfo => (delegate* unmanaged<int, int, nint*, nint>)slots[69];
    public delegate* unmanaged<nint, byte**, nint> MemoryInfoGetName => (delegate* unmanaged<nint, byte**, nint>)slots[71];
    public delegate* unmanaged<nint, void*, nint> AllocatorFree => (delegate* unmanaged<nint, void*, nint>)slots[76];
    public delegate* unmanaged<nint*, nint> GetAllocatorWithDefaultOptions => (delegate* unmanaged<nint*, nint>)slots[78];
    public delegate* unmanaged<nint, void> ReleaseMemoryInfo => (delegate* unmanaged<nint, void>)slots[94];

    // Binding values to inputs and outputs.
    public delegate* unmanaged<nint, nint, nint, nint> RunWithBinding => (delegate* unmanaged<nint, nint, nint, nint>)slots[133];
    public delegate* unmanaged<nint, nint*, nint> CreateIoBinding => (delegate* unmanaged<nint, nint*, nint>)slots[134];
    public delegate* unmanaged<nint, void> ReleaseIoBinding => (delegate* unmanaged<nint, void>)slots[135];
    public delegate* unmanaged<nint, byte*, nint, nint> BindInput => (delegate* unmanaged<nint, byte*, nint, nint>)slots[136];
    public delegate* unmanaged<nint, byte*, nint, nint> BindOutput => (delegate* unmanaged<nint, byte*, nint, nint>)slots[137];
    public delegate* unmanaged<nint, byte*, nint, nint> BindOutputToDevice => (delegate* unmanaged<nint, byte*, nint, nint>)slots[138];
    public delegate* unmanaged<nint, nint, byte**, nuint**, nuint*, nint> GetBoundOutputNames => (delegate* unmanaged<nint, nint, byte**, nuint**, nuint*, nint>)slots[139];
    public delegate* unmanaged<nint, nint, nint**, nuint*, nint> GetBoundOutputValues => (delegate* unmanaged<nint, nint, nint**, nuint*, nint>)slots[140];
    public delegate* unmanaged<nint, void> ClearBoundInputs => (delegate* unmanaged<nint, void>)slots[141];
    public delegate* unmanaged<nint, void> ClearBoundOutputs => (delegate* unmanaged<nint, void>)slots[142];

    /// <summary>Turns a status into an exception that begins with <paramref name="what"/>, and releases it.</summary>
    public void Check(nint status, string what)
    {
        if (status == 0) return;
        var code = (OrtErrorCode)GetErrorCode(status);
        var message = Utf8(GetErrorMessage(status));
        ReleaseStatus(status);
        throw new OrtException($"{what}: {message}", code);
    }

    /// <summary>The text of a C string; empty for null.</summary>
    public static string Utf8(byte* text) => Marshal.PtrToStringUTF8((nint)text) ?? "";
}
