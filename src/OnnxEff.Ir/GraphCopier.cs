namespace OnnxEff.Ir;

/// <summary>
/// Copies nodes from one graph into another. Values already in <see cref="Map"/> are replaced; constants follow by
/// reference (the tensor is shared, not copied); any other outer value that a copied node reads must be in the map.
/// </summary>
public sealed class GraphCopier(Graph target)
{
    /// <summary>The graph that copies go to.</summary>
    public Graph Target => target;

    /// <summary>Source value to its stand-in in the target graph.</summary>
    public Dictionary<Value, Value> Map { get; } = [];

    /// <summary>Copies nodes, which must come in topological order, with their subgraphs.</summary>
    public void CopyAll(IEnumerable<Node> nodes)
    {
        foreach (var node in nodes)
            Copy(node);
    }

    /// <summary>Copies one node with its subgraphs.</summary>
    public Node Copy(Node node) => Copy(node, target);

    /// <summary>The stand-in of a value; a constant gets one when first asked for.</summary>
    /// <exception cref="InvalidGraphException">The value is neither mapped nor constant.</exception>
    public Value Resolve(Value value)
    {
        if (Map.TryGetValue(value, out var mapped))
            return mapped;
        if (value.Constant is not { } constant)
            throw new InvalidGraphException($"Value '{value.Name}' is read by a copied node but was not copied.");
        return Map[value] = target.AddInitializer(value.Name, constant);
    }

    Node Copy(Node node, Graph graph)
    {
        var copy = graph.AddNode(node.OpType, node.Domain, [.. node.Inputs.Select(i => i is null ? null : Resolve(i))]);
        (copy.Name, copy.Overload, copy.DocString) = (node.Name, node.Overload, node.DocString);
        foreach (var (key, value) in node.Metadata)
            copy.Metadata[key] = value;
        foreach (var (key, value) in node.Attributes)
        {
            copy.SetAttribute(key, value switch
            {
                GraphAttribute g => new GraphAttribute(Copy(g.Value, graph)),
                GraphsAttribute g => new GraphsAttribute([.. g.Values.Select(s => Copy(s, graph))]),
                _ => value,
            });
        }
        foreach (var output in node.Outputs)
            Map[output] = copy.AddOutput(output.Name, output.Type);
        return copy;
    }

    Graph Copy(Graph source, Graph parent)
    {
        var copy = new Graph(source.Name, parent) { DocString = source.DocString };
        foreach (var input in source.Inputs)
            Map[input] = copy.AddInput(input.Name, input.Type);
        foreach (var value in source.Initializers)
            Map[value] = copy.AddInitializer(value.Name, value.Initializer!);
        foreach (var node in source.Nodes)
            Copy(node, copy);
        copy.Outputs.AddRange(source.Outputs.Select(Resolve));
        return copy;
    }
}
