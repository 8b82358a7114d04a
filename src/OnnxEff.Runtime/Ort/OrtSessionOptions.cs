namespace OnnxEff.Runtime;

/// <summary>How much ONNX Runtime may rewrite a graph at load time.</summary>
public enum OrtOptimization
{
    /// <summary>The graph as it is in the file.</summary>
    None = 0,

    /// <summary>Constant folding and removal of redundant nodes.</summary>
    Basic = 1,

    /// <summary>Also fusions of the provider.</summary>
    Extended = 2,

    /// <summary>Everything, layouts included: ONNX Runtime's default.</summary>
    All = 99,
}

/// <summary>How a session is set up. The default is ONNX Runtime's default.</summary>
public sealed record OrtSessionOptions
{
    /// <summary>Threads inside one operator; 0 lets ONNX Runtime choose (one per physical core).</summary>
    public int IntraOpThreads { get; init; }

    /// <summary>Graph rewriting at load time.</summary>
    public OrtOptimization Optimization { get; init; } = OrtOptimization.All;

    /// <summary>False lets idle worker threads sleep at once instead of spinning; kinder to a shared machine, slower alone.</summary>
    public bool Spinning { get; init; } = true;

    /// <summary>Reuse of one allocation plan for runs with equal shapes; costs memory where shapes change with every step.</summary>
    public bool MemoryPattern { get; init; } = true;

    /// <summary>Libraries of custom operators, which export <c>RegisterCustomOps</c>.</summary>
    public IReadOnlyList<string> CustomOpLibraries { get; init; } = [];

    /// <summary>If set, profiling is on and the trace's name begins with this.</summary>
    public string? ProfilePrefix { get; init; }

    /// <summary>If set, the rewritten graph is saved here.</summary>
    public string? OptimizedModelPath { get; init; }

    /// <summary>The folder to which external data of a model from memory is relative.</summary>
    public string? ExternalDataFolder { get; init; }

    /// <summary>Session configuration entries by key, as ONNX Runtime documents them.</summary>
    public IReadOnlyDictionary<string, string> Config { get; init; } = new Dictionary<string, string>();

    /// <summary>Options for evaluating small graphs: one thread, no spinning, no rewriting.</summary>
    public static OrtSessionOptions Small { get; } = new()
    {
        IntraOpThreads = 1,
        Spinning = false,
        Optimization = OrtOptimization.None,
    };

    internal unsafe OrtHandle Build()
    {
        ArgumentOutOfRangeException.ThrowIfNegative(IntraOpThreads);
        var api = OrtApi.Instance;
        nint options;
        api.Check(api.CreateSessionOptions(&options), "Session options cannot be made");
        var handle = new OrtHandle(options, api.ReleaseSessionOptions);
        try
        {
            api.Check(api.SetIntraOpNumThreads(options, IntraOpThreads), "The number of threads was refused");
            api.Check(api.SetSessionGraphOptimizationLevel(options, (int)Optimization), "The optimisation level was refused");
            if (!MemoryPattern) api.Check(api.DisableMemPattern(options), "Memory patterns cannot be turned off");
            if (!Spinning) AddEntry(options, "session.intra_op.allow_spinning", "0");
            if (ExternalDataFolder is { } folder) AddEntry(options, "session.model_external_initializers_file_folder_path", folder);
            foreach (var (key, value) in Config) AddEntry(options, key, value);
            if (ProfilePrefix is { } prefix)
                fixed (byte* path = OrtRuntime.NativePath(prefix))
                    api.Check(api.EnableProfiling(options, path), "Profiling cannot be turned on");
            if (OptimizedModelPath is { } optimized)
                fixed (byte* path = OrtRuntime.NativePath(optimized))
                    api.Check(api.SetOptimizedModelFilePath(options, path), "The path of the rewritten graph was refused");
            foreach (var library in CustomOpLibraries)
                fixed (byte* path = OrtRuntime.NativePath(Path.GetFullPath(library)))
                    api.Check(api.RegisterCustomOpsLibraryV2(options, path), $"The operator library '{library}' cannot be registered");
            return handle;
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    static unsafe void AddEntry(nint options, string key, string value)
    {
        fixed (byte* k = OrtRuntime.CString(key), v = OrtRuntime.CString(value))
            OrtApi.Instance.Check(OrtApi.Instance.AddSessionConfigEntry(options, k, v), $"The entry {key}={value} was refused");
    }
}
