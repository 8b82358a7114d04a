using System.Globalization;

namespace OnnxEff.GraphPasses.Transform;

/// <summary>
/// Finds the layers of a checkpoint by the names that exporters give to nodes and weights. A module's path, as model.layers.3.self_attn.q_proj, is told by its
/// numbers and its last part; exporters change what lies between and put parts before and behind.
/// </summary>
/// <param name="layers">The paths in the checkpoint.</param>
public sealed class ModulePaths(IEnumerable<string> layers)
{
    // One product for several layers: their outputs one behind the other.
    static readonly Dictionary<string, string[]> s_fused = new(StringComparer.Ordinal)
    {
        ["qkv_proj"] = ["q_proj", "k_proj", "v_proj"],
        ["gate_up_proj"] = ["gate_proj", "up_proj"],
    };

    readonly Dictionary<string, string[]> _layers = layers.GroupBy(layer => Key(Parts(layer), Parts(layer).Length - 1)).ToDictionary(g => g.Key, g => g.ToArray());

    /// <summary>The layers whose outputs, one behind the other, are those of a product with one of these names; null where no name tells.</summary>
    public IReadOnlyList<string>? Of(params IEnumerable<string> names) => names.Select(OfName).FirstOrDefault(found => found is not null);

    string[]? OfName(string name)
    {
        var parts = Parts(name);
        for (var last = parts.Length - 1; last >= 0; last--)
        {
            if (Layer(parts, last) is { } layer) return [layer];
            if (!s_fused.TryGetValue(parts[last], out var fused)) continue;
            string?[] found = [.. fused.Select(part => Layer([.. parts[..last], part], last))];
            if (!found.Contains(null)) return found!;
        }
        return null;
    }

    // A key that two layers have tells none of them.
    string? Layer(string[] parts, int last) => _layers.TryGetValue(Key(parts, last), out var found) && found is [var only] ? only : null;

    static string[] Parts(string path) => path.Split('/', '.');

    static string Key(string[] parts, int last) => string.Join('.', parts[..last].Where(IsNumber).Append(parts[last]));

    static bool IsNumber(string part) => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out _);
}
