namespace OnnxEff.Runtime;

/// <summary>
/// Values bound to the inputs and outputs of a session for runs that repeat. One tensor may be bound to an input and an
/// output at once: operators that notice write in place. Bound tensors must stay undisposed until unbound.
/// </summary>
public sealed unsafe class OrtBinding : IDisposable
{
    readonly OrtSession session;
    readonly OrtHandle handle;
    readonly Dictionary<string, OrtTensor> bound = []; // keeps them from being collected

    /// <summary>An empty binding.</summary>
    public OrtBinding(OrtSession session)
    {
        this.session = session;
        var api = OrtApi.Instance;
        nint binding;
        api.Check(api.CreateIoBinding(session.Handle.Value, &binding), "A binding cannot be made");
        handle = new(binding, api.ReleaseIoBinding, session.Handle);
    }

    /// <summary>Lets an input read this tensor, instead of the one before.</summary>
    public void BindInput(string name, OrtTensor tensor)
    {
        OrtApi.Instance.Check(OrtApi.Instance.BindInput(handle.Value, (byte*)session.NativeName(name), tensor.Value),
            $"Input '{name}' cannot be bound");
        bound["<" + name] = tensor;
    }

    /// <summary>Lets an output be written to this tensor, which must have the output's exact shape.</summary>
    public void BindOutput(string name, OrtTensor tensor)
    {
        OrtApi.Instance.Check(OrtApi.Instance.BindOutput(handle.Value, (byte*)session.NativeName(name), tensor.Value),
            $"Output '{name}' cannot be bound");
        bound[">" + name] = tensor;
    }

    /// <summary>Lets ONNX Runtime allocate an output with every run.</summary>
    public void BindOutput(string name)
    {
        OrtApi.Instance.Check(
            OrtApi.Instance.BindOutputToDevice(handle.Value, (byte*)session.NativeName(name), OrtRuntime.CpuMemory),
            $"Output '{name}' cannot be bound");
        bound.Remove(">" + name);
    }

    /// <summary>Runs the session on what is bound.</summary>
    /// <exception cref="OrtException">An input is not bound, or the run failed.</exception>
    public void Run() => OrtApi.Instance.Check(
        OrtApi.Instance.RunWithBinding(session.Handle.Value, 0, handle.Value), "The run failed");

    /// <summary>The outputs of the last run by name, the caller's to dispose; they share memory with what is bound.</summary>
    public IReadOnlyDictionary<string, OrtTensor> Outputs()
    {
        var api = OrtApi.Instance;
        byte* buffer;
        nuint* lengths;
        nuint nameCount;
        api.Check(api.GetBoundOutputNames(handle.Value, OrtRuntime.Allocator, &buffer, &lengths, &nameCount),
            "The bound outputs cannot be named");
        if (nameCount == 0) return new Dictionary<string, OrtTensor>();

        nint* values;
        nuint valueCount;
        api.Check(api.GetBoundOutputValues(handle.Value, OrtRuntime.Allocator, &values, &valueCount),
            "The bound outputs cannot be read");
        var outputs = new Dictionary<string, OrtTensor>();
        var at = buffer;
        for (var i = 0; i < (int)nameCount; at += lengths[i], i++)
        {
            var name = System.Text.Encoding.UTF8.GetString(at, (int)lengths[i]);
            outputs.Add(name, OrtTensor.Take(values[i], name));
        }
        foreach (var block in (ReadOnlySpan<nint>)[(nint)buffer, (nint)lengths, (nint)values])
            api.Check(api.AllocatorFree(OrtRuntime.Allocator, (void*)block), "A list of outputs cannot be freed");
        return outputs;
    }

    /// <summary>Unbinds everything.</summary>
    public void Clear()
    {
        OrtApi.Instance.ClearBoundInputs(handle.Value);
        OrtApi.Instance.ClearBoundOutputs(handle.Value);
        bound.Clear();
    }

    /// <summary>Releases the binding.</summary>
    public void Dispose()
    {
        handle.Dispose();
        bound.Clear();
    }
}
