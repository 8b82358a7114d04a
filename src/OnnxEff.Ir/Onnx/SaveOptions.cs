namespace OnnxEff.Ir.Onnx;

/// <summary>Where large tensors are written.</summary>
public enum ExternalData
{
    /// <summary>Beside the graph if they were there, or if there are 64 MiB or more; else in the graph.</summary>
    Auto,
    /// <summary>In a data file beside the graph.</summary>
    Always,
    /// <summary>In the graph, which must then be smaller than 2 GiB.</summary>
    Never,
}

/// <summary>How a model is written.</summary>
public sealed record SaveOptions
{
    /// <summary>Replace files that exist. Files that the model was read from are never replaced.</summary>
    public bool Overwrite { get; init; }

    /// <summary>Where large tensors are written.</summary>
    public ExternalData ExternalData { get; init; }
}
