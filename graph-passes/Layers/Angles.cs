using OnnxEff.Ir;

namespace OnnxEff.GraphPasses.Layers;

/// <summary>Cosines and sines of a graph, and where queries and keys are turned by them.</summary>
sealed class Angles
{
    static readonly HashSet<string> s_carriers = ["Cast", "Mul", "Neg", "Identity", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Expand", "Tile", "Slice",
        "Split", "Concat", "Gather", "GatherND"];

    readonly HashSet<Value> _values = [];

    public Angles(Graph graph)
    {
        foreach (var node in graph.Nodes)
        {
            var carries = node.Domain.Length == 0 && s_carriers.Contains(node.OpType) && node.Inputs.OfType<Value>().Any(_values.Contains)
                && node.Inputs.OfType<Value>().All(v => _values.Contains(v) || Walk.IsWeight(v) || v.Type?.Element.IsFloat() == false);
            if (carries || node.Is("Cos") || node.Is("Sin"))
                _values.UnionWith(node.Outputs);
        }
    }

    /// <summary>The node that turns heads, between them and their projections; null if none does.</summary>
    public Node? Rotation(IEnumerable<Value?> heads) => Walk.Back(heads, n => !Walk.IsProjection(n) && !_values.Contains(n.Result))
        .FirstOrDefault(n => n.OpType == "RotaryEmbedding" || (n.Is("Mul") && !_values.Contains(n.Result) && n.Inputs.OfType<Value>().Any(_values.Contains)));
}
