using System.Text.Json;

namespace OnnxEff.Formats;

/// <summary>How one layer of a checkpoint is stored, as its <c>config.json</c> says.</summary>
/// <param name="Layout">Sizes.</param>
public sealed record VptqLayerConfig(VptqLayout Layout)
{
    /// <summary>enable_norm: there are a weight scale and a weight bias.</summary>
    public bool HasScale { get; init; }

    /// <summary>enable_perm: columns are stored in an order of their own.</summary>
    public bool IsPermuted { get; init; }

    /// <summary>is_indice_packed: main and residual index lie in one stream of bits.</summary>
    public bool IsPacked { get; init; }

    /// <summary>indices_as_float: the 16 bits of unpacked indices are stored under the name of a float.</summary>
    public bool HasIndicesAsFloat { get; init; }
}

/// <summary>The <c>quantization_config</c> of a VPTQ checkpoint: settings by a layer's full name, else by the last part of its name.</summary>
public sealed class VptqConfig
{
    static readonly string[] Known = ["quant_method", "config_for_layers", "shared_layer_config", "modules_to_not_convert", "enable_proxy_error"];
    static readonly string[] KnownOfLayer =
    [
        "in_features", "out_features", "vector_lens", "num_centroids", "num_res_centroids", "group_num", "group_size", "outlier_size", "enable_norm",
        "enable_perm", "is_indice_packed", "indices_as_float", "bias", "norm_dim", "vector_quant_dim", "enable_proxy_error",
    ];

    readonly Dictionary<string, VptqLayerConfig> _named = new(StringComparer.Ordinal), _shared = new(StringComparer.Ordinal);

    VptqConfig() { }

    /// <summary>Full names of the layers that have settings of their own.</summary>
    public IEnumerable<string> Named => _named.Keys;

    /// <summary>The settings of a layer, or null if it is stored in another way.</summary>
    public VptqLayerConfig? Of(string layer) =>
        _named.GetValueOrDefault(layer) ?? _shared.GetValueOrDefault(layer[(layer.LastIndexOf('.') + 1)..]);

    /// <summary>Reads a checkpoint's <c>config.json</c>.</summary>
    /// <exception cref="InvalidDataException">It is no VPTQ checkpoint's, or has settings of unknown meaning; the sentence says which.</exception>
    public static VptqConfig Read(string path)
    {
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(path));
            return Parse(json.RootElement);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or InvalidDataException) // The second of text that is no Unicode.
        {
            throw new InvalidDataException($"'{path}' cannot be used: {(e is InvalidDataException ? e.Message : "it is not legal JSON")}.", e);
        }
    }

    static VptqConfig Parse(JsonElement root)
    {
        var quantization = Object(root, "quantization_config") ?? (Object(root, "text_config") is { } text ? Object(text, "quantization_config") : null)
            ?? throw new InvalidDataException("it has no quantization_config");
        if (Text(quantization, "quant_method") is not "vptq") throw new InvalidDataException($"its quant_method is '{Text(quantization, "quant_method")}', not 'vptq'");
        RefuseUnknown(quantization, Known, "quantization_config");
        var config = new VptqConfig();
        Fill(config._named, Object(quantization, "config_for_layers"));
        Fill(config._shared, Object(quantization, "shared_layer_config"));
        return config._named.Count + config._shared.Count > 0 ? config : throw new InvalidDataException("its quantization_config names no layer");
    }

    static void Fill(Dictionary<string, VptqLayerConfig> layers, JsonElement? settings)
    {
        if (settings is null) return;
        foreach (var layer in settings.Value.EnumerateObject())
            if (!layers.TryAdd(layer.Name, Layer(layer.Name, layer.Value))) throw new InvalidDataException($"it has the layer '{layer.Name}' twice");
    }

    // What is absent has the default of the public loader.
    static VptqLayerConfig Layer(string name, JsonElement settings)
    {
        if (settings.ValueKind != JsonValueKind.Object) throw new InvalidDataException($"layer '{name}' has no settings");
        RefuseUnknown(settings, KnownOfLayer, $"layer '{name}'");
        if (Int(settings, "norm_dim", 0) != 0) throw new InvalidDataException($"layer '{name}' has norm_dim {Int(settings, "norm_dim", 0)}: scales for each output are not read");
        if (Text(settings, "vector_quant_dim") is not (null or "out")) throw new InvalidDataException($"layer '{name}' has vectors along '{Text(settings, "vector_quant_dim")}', not along 'out'");
        var (lengths, centroids, residual) = (Pair(settings, "vector_lens"), Pair(settings, "num_centroids"), Pair(settings, "num_res_centroids"));
        if (residual.Outlier > 0) throw new InvalidDataException($"layer '{name}' has residual centroids of outliers, which are not read");
        bool hasOutliers = lengths.Outlier > 1 && centroids.Outlier > 0;
        var layout = new VptqLayout(Int(settings, "out_features", 0), Int(settings, "in_features", 0), lengths.Main, centroids.Main)
        {
            ResidualCentroids = Math.Max(residual.Main, 0),
            Groups = Int(settings, "group_num", 1),
            OutlierColumns = Int(settings, "outlier_size", 0),
            OutlierVectorLength = hasOutliers ? lengths.Outlier : 0,
            OutlierCentroids = hasOutliers ? centroids.Outlier : 0,
        };
        if (layout.Refusal() is { } refusal) throw new InvalidDataException($"layer '{name}': {refusal}");
        var size = Int(settings, "group_size", -1);
        if (size != -1 && size != layout.GroupSize) throw new InvalidDataException($"layer '{name}' has group_size {size}, and its other sizes give {layout.GroupSize}");
        return new(layout)
        {
            HasScale = Flag(settings, "enable_norm", missing: true),
            IsPermuted = Flag(settings, "enable_perm", missing: true),
            IsPacked = Flag(settings, "is_indice_packed", missing: true),
            HasIndicesAsFloat = Flag(settings, "indices_as_float", missing: false),
        };
    }

    static void RefuseUnknown(JsonElement settings, string[] known, string where)
    {
        foreach (var setting in settings.EnumerateObject())
            if (!known.Contains(setting.Name)) throw new InvalidDataException($"{where} has the setting '{setting.Name}', whose meaning is not known");
    }

    static JsonElement? Object(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Object ? value : null;

    static string? Text(JsonElement parent, string name) => parent.TryGetProperty(name, out var value) ? value.ToString() : null;

    static int Int(JsonElement settings, string name, int missing) => !settings.TryGetProperty(name, out var value) ? missing
        : value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) ? number
        : throw new InvalidDataException($"{name} is {value.GetRawText()}, no integer");

    static bool Flag(JsonElement settings, string name, bool missing) => !settings.TryGetProperty(name, out var value) ? missing
        : value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean()
        : throw new InvalidDataException($"{name} is {value.GetRawText()}, neither true nor false");

    static (int Outlier, int Main) Pair(JsonElement settings, string name)
    {
        if (!settings.TryGetProperty(name, out var value)) return (-1, -1);
        return value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 2 && value[0].ValueKind == JsonValueKind.Number && value[1].ValueKind == JsonValueKind.Number
            && value[0].TryGetInt32(out var outlier) && value[1].TryGetInt32(out var main) ? (outlier, main)
            : throw new InvalidDataException($"{name} is {value.GetRawText()}, no pair of integers");
    }
}
