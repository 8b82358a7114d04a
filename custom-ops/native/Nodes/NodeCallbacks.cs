using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace OnnxEff.CustomOps.Native;

/// <summary>The callbacks of OrtCustomOp that run code of ours. No exception leaves them: it becomes a status.</summary>
static unsafe class NodeCallbacks
{
    sealed record Instance(OrtApi Api, string Operator, NodeKernel Kernel);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    public static nint Create(OrtCustomOp* op, void** table, void* info, void** kernel)
    {
        var api = new OrtApi(table, op->SizesOf);
        var (schema, create, _) = Registration.Kernels[op->Kernel];
        try
        {
            var instance = new Instance(api, schema.Name, create(new KernelInfo(api, info, schema)));
            *kernel = (void*)GCHandle.ToIntPtr(GCHandle.Alloc(instance));
            return 0;
        }
        catch (Exception e)
        {
            return Status(api, schema.Name, e);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    public static nint Compute(void* kernel, void* context)
    {
        var instance = (Instance)GCHandle.FromIntPtr((nint)kernel).Target!;
        try
        {
            instance.Kernel.Compute(new KernelContext(instance.Api, context));
            return 0;
        }
        catch (Exception e)
        {
            return Status(instance.Api, instance.Operator, e);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    public static void Destroy(void* kernel)
    {
        if (kernel != null) GCHandle.FromIntPtr((nint)kernel).Free();
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    public static nint InferShapes(OrtCustomOp* op, void* context)
    {
        var api = new OrtApi(op->Api);
        try
        {
            Registration.Kernels[op->Kernel].Infer?.Invoke(new ShapeInferContext(api, context));
        }
        catch (Exception)
        {
            // Unknown shapes are fine; the node itself says at run time what is wrong with it.
        }
        return 0;
    }

    static nint Status(OrtApi api, string name, Exception e) =>
        api.CreateStatus(e is OrtException refused ? refused.Code : OrtErrorCode.RuntimeException, $"onnxeff.{name}: {e.Message}");
}
