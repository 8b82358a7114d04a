using OnnxEff.Ir;

namespace OnnxEff.GraphPasses.Layers;

/// <summary>What raised attentions are in a lowered graph, found by the names that lowering gives: that of the raised node, or one that begins with it.</summary>
sealed class LoweredAttentions
{
    readonly Dictionary<string, Node> _attentions = [], _rotations = [];

    public LoweredAttentions(Graph lowered)
    {
        foreach (var node in lowered.Nodes)
        {
            var into = node.OpType.EndsWith("Attention", StringComparison.Ordinal) ? _attentions : node.OpType == "RotaryEmbedding" ? _rotations : null;
            into?.TryAdd(node.Name, node);
            if (node.Name.LastIndexOf('/') is > 0 and var end)
                into?.TryAdd(node.Name[..end], node);
        }
    }

    /// <summary>The operator that an attention is now.</summary>
    public string Became(string name) => _attentions.TryGetValue(name, out var node) ? node.OpType : "standard operators";

    /// <summary>Where the rotation of an attention is now.</summary>
    public string Rotates(string name) => _rotations.TryGetValue(name, out var rotation) ? rotation.OpType
        : _attentions.TryGetValue(name, out var node) && node.OpType is "BlockMaskedAttention" or "GroupQueryAttention" ? $"inside {node.OpType}" : "standard operators";
}
