using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace OnnxEff.CustomOps.Native;

/// <summary>
/// OrtCustomOp as of API version 18, and behind it what the callbacks, which get a pointer to it, need. It lives for ever:
/// ONNX Runtime keeps the pointer.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
unsafe struct OrtCustomOp
{
    public uint Version;
    public void* CreateKernel;
    public delegate* unmanaged[Cdecl]<OrtCustomOp*, byte*> GetName;
    public delegate* unmanaged[Cdecl]<OrtCustomOp*, byte*> GetExecutionProviderType;
    public delegate* unmanaged[Cdecl]<OrtCustomOp*, nuint, int> GetInputType;
    public delegate* unmanaged[Cdecl]<OrtCustomOp*, nuint> GetInputTypeCount;
    public delegate* unmanaged[Cdecl]<OrtCustomOp*, nuint, int> GetOutputType;
    public delegate* unmanaged[Cdecl]<OrtCustomOp*, nuint> GetOutputTypeCount;
    public void* KernelCompute;
    public delegate* unmanaged[Cdecl]<void*, void> KernelDestroy;
    public delegate* unmanaged[Cdecl]<OrtCustomOp*, nuint, int> GetInputCharacteristic;
    public delegate* unmanaged[Cdecl]<OrtCustomOp*, nuint, int> GetOutputCharacteristic;
    public delegate* unmanaged[Cdecl]<OrtCustomOp*, nuint, int> GetInputMemoryType;
    public delegate* unmanaged[Cdecl]<OrtCustomOp*, int> GetVariadicInputMinArity;
    public delegate* unmanaged[Cdecl]<OrtCustomOp*, int> GetVariadicInputHomogeneity;
    public delegate* unmanaged[Cdecl]<OrtCustomOp*, int> GetVariadicOutputMinArity;
    public delegate* unmanaged[Cdecl]<OrtCustomOp*, int> GetVariadicOutputHomogeneity;
    public delegate* unmanaged[Cdecl]<OrtCustomOp*, void**, void*, void**, nint> CreateKernelV2;
    public delegate* unmanaged[Cdecl]<void*, void*, nint> KernelComputeV2;
    public delegate* unmanaged[Cdecl]<OrtCustomOp*, void*, nint> InferOutputShape;
    public delegate* unmanaged[Cdecl]<OrtCustomOp*, int> GetStartVersion;
    public delegate* unmanaged[Cdecl]<OrtCustomOp*, int> GetEndVersion;
    public delegate* unmanaged[Cdecl]<int**, int**, nuint> GetMayInplace;
    public delegate* unmanaged[Cdecl]<int*, int*, void> ReleaseMayInplace;
    public delegate* unmanaged[Cdecl]<int**, int**, nuint> GetAliasMap;
    public delegate* unmanaged[Cdecl]<int*, int*, void> ReleaseAliasMap;

    // From here on ours.
    public byte* Name;
    public void** Api;
    public void* SizesOf;

    /// <summary>Index into <see cref="Registration.Kernels"/>.</summary>
    public int Kernel;
    public int Since;
    public int InputCount, OutputCount;

    /// <summary>Element types and characteristics (0 required, 1 optional) of the inputs, then of the outputs.</summary>
    public int* Types, Optional;

    const int MemoryTypeDefault = 0;

    /// <summary>Points the callbacks to their functions.</summary>
    public static void Connect(OrtCustomOp* op)
    {
        op->Version = OrtApi.Version;
        op->GetName = &NameOf;
        op->GetExecutionProviderType = &ProviderOf;
        op->GetInputType = &InputTypeOf;
        op->GetInputTypeCount = &InputCountOf;
        op->GetOutputType = &OutputTypeOf;
        op->GetOutputTypeCount = &OutputCountOf;
        op->GetInputCharacteristic = &InputCharacteristicOf;
        op->GetOutputCharacteristic = &OutputCharacteristicOf;
        op->GetInputMemoryType = &MemoryTypeOf;
        op->GetVariadicInputMinArity = op->GetVariadicInputHomogeneity = &Zero;
        op->GetVariadicOutputMinArity = op->GetVariadicOutputHomogeneity = &Zero;
        op->GetStartVersion = &SinceOf;
        op->GetEndVersion = &LastVersion;
        op->CreateKernelV2 = &NodeCallbacks.Create;
        op->KernelComputeV2 = &NodeCallbacks.Compute;
        op->KernelDestroy = &NodeCallbacks.Destroy;
        op->InferOutputShape = &NodeCallbacks.InferShapes;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    static byte* NameOf(OrtCustomOp* op) => op->Name;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    static byte* ProviderOf(OrtCustomOp* op) => null; // The CPU.

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    static int InputTypeOf(OrtCustomOp* op, nuint i) => i < (nuint)op->InputCount ? op->Types[i] : 0;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    static nuint InputCountOf(OrtCustomOp* op) => (nuint)op->InputCount;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    static int OutputTypeOf(OrtCustomOp* op, nuint i) => i < (nuint)op->OutputCount ? op->Types[op->InputCount + (int)i] : 0;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    static nuint OutputCountOf(OrtCustomOp* op) => (nuint)op->OutputCount;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    static int InputCharacteristicOf(OrtCustomOp* op, nuint i) => i < (nuint)op->InputCount ? op->Optional[i] : 0;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    static int OutputCharacteristicOf(OrtCustomOp* op, nuint i) => i < (nuint)op->OutputCount ? op->Optional[op->InputCount + (int)i] : 0;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    static int MemoryTypeOf(OrtCustomOp* op, nuint i) => MemoryTypeDefault;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    static int Zero(OrtCustomOp* op) => 0;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    static int SinceOf(OrtCustomOp* op) => op->Since;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    static int LastVersion(OrtCustomOp* op) => int.MaxValue;
}
