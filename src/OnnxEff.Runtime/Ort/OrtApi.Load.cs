using System.Runtime.InteropServices;

namespace OnnxEff.Runtime;

/// <summary>Loading the library, and proving by behaviour that its slots are the ones expected.</summary>
sealed unsafe partial class OrtApi
{
    const string EntryPoint = "OrtGetApiBase";

    static OrtApi Load(OrtLibraryLocation location)
    {
        nint library;
        try
        {
            library = NativeLibrary.Load(location.Path);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            throw new OrtLibraryException($"'{location.Path}' (found through {location.Source}) cannot be loaded as a library of "
                + $"this system: {e.Message.Trim()}");
        }

        if (!NativeLibrary.TryGetExport(library, EntryPoint, out var entry))
            throw new OrtLibraryException($"'{location.Path}' is not ONNX Runtime: it exports no {EntryPoint}. "
                + $"Set {OrtLibrary.Variable} to libonnxruntime.");

        var apiBase = (nint*)((delegate* unmanaged<nint>)entry)();
        var version = Utf8(((delegate* unmanaged<byte*>)apiBase[1])());
        var table = ((delegate* unmanaged<uint, nint>)apiBase[0])(Version);
        if (table == 0)
            throw new OrtLibraryException($"ONNX Runtime {version} at '{location.Path}' is too old: "
                + $"version 1.{Version} or newer is needed.");

        var api = new OrtApi((nint*)table, version, location);
        if (api.SelfCheck() is { } wrong)
            throw new OrtLibraryException($"ONNX Runtime {version} at '{location.Path}' does not behave as its C API says "
                + $"({wrong}): use an official build, or set {OrtLibrary.Variable} to another library.");
        return api;
    }

    /// <summary>Null, or which behaviour differs. Slots that take no model are enough to notice a shifted table.</summary>
    string? SelfCheck()
    {
        if (!Utf8(GetBuildInfoString()).StartsWith("ORT Build Info", StringComparison.Ordinal))
            return "slot 254 is not GetBuildInfoString";

        fixed (byte* text = "probe\0"u8)
        {
            var status = CreateStatus((int)OrtErrorCode.InvalidGraph, text);
            if (status == 0) return "slot 0 is not CreateStatus";
            var same = GetErrorCode(status) == (int)OrtErrorCode.InvalidGraph && Utf8(GetErrorMessage(status)) == "probe";
            ReleaseStatus(status);
            if (!same) return "a status does not keep its code and message";
        }

        nint memory;
        if (CreateCpuMemoryInfo(0, 0, &memory) != 0) return "slot 69 is not CreateCpuMemoryInfo";
        byte* name;
        var isCpu = MemoryInfoGetName(memory, &name) == 0 && Utf8(name) == "Cpu";
        ReleaseMemoryInfo(memory);
        return isCpu ? null : "slot 71 is not MemoryInfoGetName";
    }
}
