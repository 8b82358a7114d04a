using OnnxEff.Ir;

namespace OnnxEff.Rewriting;

/// <summary>Plans the nodes that replace a match. Nothing in the graph changes until the plan is complete.</summary>
public sealed class PatchBuilder
{
    readonly List<PlannedNode> _nodes = [];

    internal PatchBuilder(Match match) => Match = match;

    /// <summary>What was matched.</summary>
    public Match Match { get; }

    /// <summary>The value of a capture.</summary>
    public Value this[Var capture] => Match[capture];

    /// <summary>The number that a constant scalar holds.</summary>
    public double this[Scalar capture] => Match[capture];

    /// <summary>The value of a captured attribute.</summary>
    public T Get<T>(AttrVar<T> capture) where T : notnull => Match.Get(capture);

    /// <summary>The value of a capture, or null (an input left out) if it took no part.</summary>
    public Wire? Try(Var capture) => Match.TryGet(capture, out var value) ? new Wire(value) : null;

    /// <summary>Plans a node of the standard domain and gives its first output.</summary>
    public Wire Op(string opType, params Wire?[] inputs) => Op("", opType, inputs);

    /// <summary>Plans a node and gives its first output.</summary>
    public Wire Op(string domain, string opType, Wire?[] inputs)
    {
        var node = new PlannedNode(domain, opType, inputs);
        _nodes.Add(node);
        return node.AddWire(0);
    }

    /// <summary>Plans a constant.</summary>
    /// <param name="tensor">The constant.</param>
    /// <param name="hint">Start of its name; null names it after the node replaced.</param>
    public Wire Constant(Tensor tensor, string? hint = null) =>
        new(tensor, hint ?? $"{Match.RootValues[0].Name}/const");

    internal IReadOnlyList<PlannedNode> Nodes => _nodes;
}
