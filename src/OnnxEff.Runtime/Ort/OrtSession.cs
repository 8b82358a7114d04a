using System.Runtime.InteropServices;
using OnnxEff.Ir;

namespace OnnxEff.Runtime;

/// <summary>One input or output of a session.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Element type and shape; dims keep the names of the file. Undefined for what is no tensor.</param>
public sealed record OrtPort(string Name, TensorType Type);

/// <summary>A value for an input.</summary>
/// <param name="Name">The input.</param>
/// <param name="Tensor">The value; it stays the caller's.</param>
public readonly record struct OrtFeed(string Name, OrtTensor Tensor);

/// <summary>An output that is wanted.</summary>
/// <param name="Name">The output.</param>
/// <param name="Into">Where to write it; it must have the output's exact shape. Null lets ONNX Runtime allocate.</param>
public readonly record struct OrtFetch(string Name, OrtTensor? Into = null);

/// <summary>
/// A model loaded into ONNX Runtime. Runs may come from several threads; disposing while one is under way may not.
/// </summary>
public sealed unsafe class OrtSession : IDisposable
{
    static readonly object Domains = new();

    readonly OrtHandle handle;
    readonly Dictionary<string, nint> names = []; // C strings, freed with the session

    OrtSession(OrtHandle handle)
    {
        this.handle = handle;
        var api = OrtApi.Instance;
        nuint inputs, outputs;
        api.Check(api.SessionGetInputCount(handle.Value, &inputs), "The inputs cannot be counted");
        api.Check(api.SessionGetOutputCount(handle.Value, &outputs), "The outputs cannot be counted");
        Inputs = [.. Enumerable.Range(0, (int)inputs).Select(i => Port(i, api.SessionGetInputName, api.SessionGetInputTypeInfo))];
        Outputs = [.. Enumerable.Range(0, (int)outputs).Select(i => Port(i, api.SessionGetOutputName, api.SessionGetOutputTypeInfo))];
        foreach (var port in Inputs.Concat(Outputs))
            if (!names.ContainsKey(port.Name))
                names.Add(port.Name, Marshal.StringToCoTaskMemUTF8(port.Name));
    }

    /// <summary>Inputs in the file's order.</summary>
    public IReadOnlyList<OrtPort> Inputs { get; }

    /// <summary>Outputs in the file's order.</summary>
    public IReadOnlyList<OrtPort> Outputs { get; }

    internal OrtHandle Handle => handle;

    /// <summary>Loads a file.</summary>
    /// <exception cref="OrtException">ONNX Runtime refuses the file.</exception>
    /// <exception cref="OrtLibraryException">No usable library.</exception>
    public static OrtSession Open(string path, OrtSessionOptions? options = null)
    {
        var api = OrtApi.Instance;
        using var native = (options ?? new()).Build();
        nint session;
        fixed (byte* file = OrtRuntime.NativePath(path))
            lock (DomainsOf(options))
                api.Check(api.CreateSession(OrtRuntime.Env, file, native.Value, &session), $"ONNX Runtime cannot load '{path}'");
        return new(new OrtHandle(session, api.ReleaseSession));
    }

    /// <summary>Loads the bytes of a model file; they may go afterwards.</summary>
    /// <inheritdoc cref="Open" path="/exception"/>
    public static OrtSession FromBytes(ReadOnlySpan<byte> model, OrtSessionOptions? options = null)
    {
        var api = OrtApi.Instance;
        using var native = (options ?? new()).Build();
        nint session;
        fixed (byte* bytes = model)
            lock (DomainsOf(options))
                api.Check(api.CreateSessionFromArray(OrtRuntime.Env, bytes, (nuint)model.Length, native.Value, &session),
                    "ONNX Runtime cannot load the model");
        return new(new OrtHandle(session, api.ReleaseSession));
    }

    // ONNX Runtime has one list of operator domains for the process, and looks there before it adds one: two sessions with libraries that
    // are made at once would both add it, and the second fails. Sessions without libraries need not wait.
    static object DomainsOf(OrtSessionOptions? options) => options?.CustomOpLibraries is [_, ..] ? Domains : new object();

    /// <summary>Runs the model.</summary>
    /// <returns>
    /// One tensor per fetch, in order: the given one, or a new one that is the caller's to dispose. A feed and a fetch may
    /// share one tensor where the operators allow it (a KV cache written in place).
    /// </returns>
    /// <exception cref="OrtException">An unknown name, or a failure inside the run.</exception>
    public OrtTensor[] Run(ReadOnlySpan<OrtFeed> feeds, ReadOnlySpan<OrtFetch> fetches)
    {
        var api = OrtApi.Instance;
        var inputNames = stackalloc nint[feeds.Length + 1];
        var inputs = stackalloc nint[feeds.Length + 1];
        for (var i = 0; i < feeds.Length; i++)
            (inputNames[i], inputs[i]) = (NativeName(feeds[i].Name), feeds[i].Tensor.Value);
        var outputNames = stackalloc nint[fetches.Length + 1];
        var outputs = stackalloc nint[fetches.Length + 1];
        for (var i = 0; i < fetches.Length; i++)
            (outputNames[i], outputs[i]) = (NativeName(fetches[i].Name), fetches[i].Into?.Value ?? 0);

        var status = api.Run(handle.Value, 0, (byte**)inputNames, inputs, (nuint)feeds.Length,
            (byte**)outputNames, (nuint)fetches.Length, outputs);
        foreach (var feed in feeds) GC.KeepAlive(feed.Tensor);
        api.Check(status, "The run failed");

        var results = new OrtTensor[fetches.Length];
        for (var i = 0; i < results.Length; i++)
            results[i] = fetches[i].Into ?? OrtTensor.Take(outputs[i], fetches[i].Name);
        return results;
    }

    /// <summary>Runs the model for all outputs.</summary>
    /// <inheritdoc cref="Run(ReadOnlySpan{OrtFeed}, ReadOnlySpan{OrtFetch})"/>
    public OrtTensor[] Run(ReadOnlySpan<OrtFeed> feeds) => Run(feeds, [.. Outputs.Select(o => new OrtFetch(o.Name))]);

    /// <summary>Ends profiling; the name of the trace file.</summary>
    public string EndProfiling()
    {
        var api = OrtApi.Instance;
        byte* name;
        api.Check(api.SessionEndProfiling(handle.Value, OrtRuntime.Allocator, &name), "Profiling cannot be ended");
        return OrtRuntime.Take(name);
    }

    /// <summary>Releases the session.</summary>
    public void Dispose()
    {
        handle.Dispose();
        foreach (var name in names.Values) Marshal.FreeCoTaskMem(name);
        names.Clear();
    }

    internal nint NativeName(string name) => names.TryGetValue(name, out var text)
        ? text
        : throw new OrtException($"The model has no input or output '{name}'; it has "
            + $"{string.Join(", ", Inputs.Concat(Outputs).Select(p => p.Name))}.", OrtErrorCode.InvalidArgument);

    OrtPort Port(int index, delegate* unmanaged<nint, nuint, nint, byte**, nint> getName,
        delegate* unmanaged<nint, nuint, nint*, nint> getType)
    {
        var api = OrtApi.Instance;
        byte* text;
        api.Check(getName(handle.Value, (nuint)index, OrtRuntime.Allocator, &text), "A name cannot be read");
        var name = OrtRuntime.Take(text);
        nint type;
        api.Check(getType(handle.Value, (nuint)index, &type), $"The type of '{name}' cannot be read");
        using var owner = new OrtHandle(type, api.ReleaseTypeInfo);
        nint info;
        api.Check(api.CastTypeInfoToTensorInfo(type, &info), $"The type of '{name}' cannot be read");
        return new(name, info == 0 ? new TensorType(ElementType.Undefined) : ReadType(info, name));
    }

    static TensorType ReadType(nint info, string name)
    {
        var api = OrtApi.Instance;
        int code;
        nuint rank;
        api.Check(api.GetTensorElementType(info, &code), $"The type of '{name}' cannot be read");
        api.Check(api.GetDimensionsCount(info, &rank), $"The rank of '{name}' cannot be read");
        var sizes = stackalloc long[(int)rank + 1];
        var symbols = stackalloc byte*[(int)rank + 1];
        api.Check(api.GetDimensions(info, sizes, rank), $"The dimensions of '{name}' cannot be read");
        api.Check(api.GetSymbolicDimensions(info, symbols, rank), $"The dimensions of '{name}' cannot be read");
        var dims = new Dim[(int)rank];
        for (var i = 0; i < dims.Length; i++)
        {
            var symbol = OrtApi.Utf8(symbols[i]);
            dims[i] = sizes[i] >= 0 ? Dim.Of(sizes[i]) : Dim.Symbol(symbol.Length > 0 ? symbol : $"?{name}.{i}");
        }
        return new(OrtElementTypes.FromOrt(code), new TensorShape(dims));
    }
}
