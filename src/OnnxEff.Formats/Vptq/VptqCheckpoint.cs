using OnnxEff.Ir;

namespace OnnxEff.Formats;

/// <summary>A Hugging Face checkpoint whose linear layers are stored as VPTQ: <c>config.json</c> and safetensors in one folder.</summary>
public sealed class VptqCheckpoint
{
    const string Indices = ".indices";

    readonly VptqConfig _config;
    readonly SafetensorsFolder _folder;

    VptqCheckpoint(VptqConfig config, SafetensorsFolder folder)
    {
        (_config, _folder) = (config, folder);
        Layers = [.. folder.Tensors.Keys.Where(name => name.EndsWith(Indices, StringComparison.Ordinal) && !name.EndsWith(".res_indices", StringComparison.Ordinal))
            .Select(name => name[..^Indices.Length]).Order(StringComparer.Ordinal)];
    }

    /// <summary>Names of the layers, as <c>model.layers.0.self_attn.q_proj</c>, in alphabetical order.</summary>
    public IReadOnlyList<string> Layers { get; }

    /// <summary>Every tensor of the checkpoint, also those of parts that are stored in another way.</summary>
    public IReadOnlyDictionary<string, Tensor> Tensors => _folder.Tensors;

    /// <summary>Reads the configuration and the files' headers.</summary>
    /// <exception cref="InvalidDataException">Something breaks a rule of its format, or the files do not belong together.</exception>
    /// <exception cref="IOException">A file is absent or cannot be opened.</exception>
    public static VptqCheckpoint Open(string folder)
    {
        var config = VptqConfig.Read(Path.Combine(folder, "config.json"));
        var checkpoint = new VptqCheckpoint(config, SafetensorsFolder.Open(folder));
        foreach (var layer in config.Named.Except(checkpoint.Layers))
            throw new InvalidDataException($"'{folder}' configures the layer '{layer}' and holds no indices of it.");
        return checkpoint.Layers.Count > 0 ? checkpoint : throw new InvalidDataException($"'{folder}' holds no layer stored as VPTQ.");
    }

    /// <summary>Reads one of <see cref="Layers"/>.</summary>
    /// <exception cref="InvalidDataException">Its tensors are not what its configuration says, or hold what is no weight.</exception>
    public VptqCodes Read(string layer)
    {
        var config = _config.Of(layer) ?? throw new InvalidDataException($"Layer '{layer}' has indices, and the configuration does not know it.");
        var codes = new VptqLayerReader(layer, config, _folder.Tensors).Read();
        return codes.Refusal() is { } refusal ? throw new InvalidDataException($"Layer '{layer}': {refusal}.") : codes;
    }
}
