using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using OnnxEff.CustomOps.Cpu;

namespace OnnxEff.CustomOps.Native;

/// <summary>Inputs, outputs and threads of one computation of a node.</summary>
readonly unsafe struct KernelContext
{
    readonly OrtApi api;
    readonly void* context;
    readonly nuint inputs, outputs;

    public KernelContext(OrtApi api, void* context)
    {
        this.api = api;
        this.context = context;
        nuint count;
        api.Check(api.KernelContextGetInputCount(context, &count));
        inputs = count;
        api.Check(api.KernelContextGetOutputCount(context, &count));
        outputs = count;
    }

    /// <summary>An input; one without sizes when the node leaves it out.</summary>
    public TensorPointer Input(int index)
    {
        if ((nuint)index >= inputs) return default;
        void* value;
        api.Check(api.KernelContextGetInput(context, (nuint)index, &value));
        return value == null ? default : api.Tensor(value);
    }

    /// <summary>The memory of an output of those sizes; null when nobody uses it.</summary>
    public void* Output(int index, params ReadOnlySpan<long> dims)
    {
        if ((nuint)index >= outputs) return null;
        void* value, data;
        fixed (long* sizes = dims) api.Check(api.KernelContextGetOutput(context, (nuint)index, sizes, (nuint)dims.Length, &value));
        if (value == null) return null;
        api.Check(api.GetTensorMutableData(value, &data));
        return data;
    }

    /// <summary>Runs on the session's own threads.</summary>
    public void ParallelFor(int count, Action<int> body)
    {
        var loop = new Loop(body);
        GCHandle handle = GCHandle.Alloc(loop);
        try
        {
            api.Check(api.KernelContextParallelFor(context, &RunOne, (nuint)count, (nuint)count, (void*)GCHandle.ToIntPtr(handle)));
        }
        finally
        {
            handle.Free();
        }
        loop.Failure?.Throw();
    }

    sealed class Loop(Action<int> body)
    {
        public volatile ExceptionDispatchInfo? Failure;

        public void Run(int index)
        {
            try
            {
                body(index);
            }
            catch (Exception e)
            {
                Failure = ExceptionDispatchInfo.Capture(e);
            }
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    static void RunOne(void* loop, nuint index) => ((Loop)GCHandle.FromIntPtr((nint)loop).Target!).Run((int)index);
}
