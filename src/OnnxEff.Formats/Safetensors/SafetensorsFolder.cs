using System.Text.Json;
using OnnxEff.Ir;

namespace OnnxEff.Formats;

/// <summary>The tensors of a Hugging Face checkpoint: of <c>model.safetensors</c>, or of the files that <c>model.safetensors.index.json</c> lists.</summary>
public sealed class SafetensorsFolder
{
    const string Single = "model.safetensors", Index = "model.safetensors.index.json";

    readonly Dictionary<string, Tensor> _tensors = new(StringComparer.Ordinal);

    SafetensorsFolder(string path) => Path = path;

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>All tensors by name.</summary>
    public IReadOnlyDictionary<string, Tensor> Tensors => _tensors;

    /// <summary>Maps the files and reads their headers.</summary>
    /// <exception cref="InvalidDataException">A file breaks a rule of the format, or the index names what is not there.</exception>
    /// <exception cref="IOException">A file is absent or cannot be opened.</exception>
    public static SafetensorsFolder Open(string path)
    {
        var folder = new SafetensorsFolder(path);
        var index = System.IO.Path.Combine(path, Index);
        if (File.Exists(index)) folder.ReadShards(index);
        else foreach (var (name, tensor) in SafetensorsFile.Open(System.IO.Path.Combine(path, Single)).Tensors) folder._tensors.Add(name, tensor);
        return folder;
    }

    void ReadShards(string index)
    {
        var files = new Dictionary<string, SafetensorsFile>(StringComparer.Ordinal);
        foreach (var (name, shard) in WeightMap(index))
        {
            if (shard is "" or "." or ".." || System.IO.Path.GetFileName(shard) != shard || shard.Contains('\\'))
                throw new InvalidDataException($"'{index}' names the file '{shard}', which does not lie in its folder.");
            if (!files.TryGetValue(shard, out var file)) files[shard] = file = SafetensorsFile.Open(System.IO.Path.Combine(Path, shard));
            if (!file.Tensors.TryGetValue(name, out var tensor)) throw new InvalidDataException($"'{index}' says that '{shard}' holds '{name}', which it does not.");
            if (!_tensors.TryAdd(name, tensor)) throw new InvalidDataException($"'{index}' names the tensor '{name}' twice.");
        }
    }

    static List<(string Name, string Shard)> WeightMap(string index)
    {
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(index));
            if (json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("weight_map", out var map)
                && map.ValueKind == JsonValueKind.Object && map.EnumerateObject().All(e => e.Value.ValueKind == JsonValueKind.String))
            {
                return [.. map.EnumerateObject().Select(e => (e.Name, e.Value.GetString()!))];
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException) // The latter of text that is no Unicode.
        {
            throw new InvalidDataException($"'{index}' is not legal JSON.", e);
        }
        throw new InvalidDataException($"'{index}' has no weight_map from tensors to files.");
    }
}
