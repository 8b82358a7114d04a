using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace OnnxEff.CustomOps.Native;

/// <summary>The C functions of the library.</summary>
static unsafe class Exports
{
    static readonly Lazy<nint> Info = new(() => Marshal.StringToCoTaskMemUTF8(Describe()));

    /// <summary>
    /// <c>OrtStatus* RegisterCustomOps(OrtSessionOptions*, const OrtApiBase*)</c>: what ONNX Runtime calls for
    /// RegisterCustomOpsLibrary.
    /// </summary>
    [UnmanagedCallersOnly(EntryPoint = "RegisterCustomOps", CallConvs = [typeof(CallConvCdecl)])]
    public static nint RegisterCustomOps(void* options, OrtApiBase* apiBase)
    {
        OrtApi api = OrtApi.Of(apiBase);
        if (api.Table == null) // Every version can make a status.
            return new OrtApi(apiBase->Table(1)).CreateStatus(OrtErrorCode.Fail, $"onnxeff needs ONNX Runtime 1.18 or newer; this is {apiBase->RuntimeVersion}.");
        try
        {
            OwnLibrary.Pin();
            (nint sibling, string? refusal) = Siblings.Chosen;
            if (refusal is not null) return api.CreateStatus(OrtErrorCode.InvalidArgument, refusal);
            if (sibling == 0) return Registration.Register(api, options);
            var forward = (delegate* unmanaged[Cdecl]<void*, OrtApiBase*, nint>)NativeLibrary.GetExport(sibling, "RegisterCustomOps");
            return forward(options, apiBase);
        }
        catch (Exception e)
        {
            return api.CreateStatus(OrtErrorCode.RuntimeException, $"onnxeff: registering the operators failed: {e.Message}");
        }
    }

    /// <summary>
    /// <c>const char* OnnxEffInfo(void)</c>: lines <c>version=</c>, <c>level=</c> and <c>library=</c> of the code that serves
    /// this process, or <c>error=</c>; the text lives for ever.
    /// </summary>
    [UnmanagedCallersOnly(EntryPoint = "OnnxEffInfo", CallConvs = [typeof(CallConvCdecl)])]
    public static byte* OnnxEffInfo()
    {
        try
        {
            (nint sibling, string? refusal) = Siblings.Chosen;
            if (sibling == 0 || refusal is not null) return (byte*)Info.Value;
            return ((delegate* unmanaged[Cdecl]<byte*>)NativeLibrary.GetExport(sibling, "OnnxEffInfo"))();
        }
        catch (Exception)
        {
            return null;
        }
    }

    static string Describe() => Siblings.Chosen.Refusal is { } refusal
        ? $"error={refusal}\n"
        : $"""
            version={typeof(Exports).Assembly.GetName().Version?.ToString(3)}
            level={Siblings.NameOf(Compiled.Level)}
            library={OwnLibrary.Path}

            """;
}
