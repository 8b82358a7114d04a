using OnnxEff.Ir;

namespace OnnxEff.GraphPasses;

/// <summary>Adds nodes to a graph, named after the node they stand for.</summary>
public sealed class GraphBuilder(Graph graph, string prefix)
{
    /// <summary>Adds a node with one output.</summary>
    public Value Op(string opType, ReadOnlySpan<Value?> inputs, TensorType? type, params ReadOnlySpan<(string Name, AttributeValue Value)> attributes) =>
        Node(opType, "", inputs, attributes).AddOutput(graph.FreshName($"{prefix}/{opType}"), type);

    /// <summary>Adds a node; its outputs are the caller's.</summary>
    public Node Node(string opType, string domain, ReadOnlySpan<Value?> inputs, ReadOnlySpan<(string Name, AttributeValue Value)> attributes)
    {
        var node = graph.AddNode(opType, domain, inputs);
        node.TrimInputs();
        node.Name = graph.FreshName($"{prefix}/{opType}");
        foreach (var (name, value) in attributes)
            node.SetAttribute(name, value);
        return node;
    }

    /// <summary>Adds an output to a node.</summary>
    public Value Output(Node node, string hint, TensorType? type) => node.AddOutput(graph.FreshName($"{prefix}/{hint}"), type);

    /// <summary>Adds a constant.</summary>
    public Value Constant(Tensor tensor) => graph.AddConstant(tensor, $"{prefix}/const");
}
