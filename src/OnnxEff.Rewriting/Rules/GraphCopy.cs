using OnnxEff.Ir;

namespace OnnxEff.Rewriting;

/// <summary>Copies nodes from one graph into another, such as a function's body to the place of its call.</summary>
public sealed class GraphCopy
{
    readonly Dictionary<Value, Value?> _values;
    readonly Func<AttributeValue, AttributeValue?> _attribute;
    readonly string _prefix;

    /// <summary>A copy.</summary>
    /// <param name="values">What stands for values of the source: its inputs, or null for inputs left out. Copies are added.
    /// Values that are neither here nor in the source are those of a surrounding graph, and stay.</param>
    /// <param name="prefix">Put before the names of nodes and values; it must make the names of nodes unique in the target.</param>
    /// <param name="attribute">Changes attributes on the way; null drops one.</param>
    public GraphCopy(Dictionary<Value, Value?> values, string prefix = "", Func<AttributeValue, AttributeValue?>? attribute = null) =>
        (_values, _prefix, _attribute) = (values, prefix, attribute ?? (a => a));

    /// <summary>Copies initializers and nodes, keeping their order.</summary>
    /// <param name="source">The graph to copy.</param>
    /// <param name="target">Where to.</param>
    /// <param name="before">The node before which to put them, or null for the end.</param>
    public void Into(Graph source, Graph target, Node? before = null)
    {
        foreach (var constant in source.Initializers.Where(c => !_values.ContainsKey(c)))
            _values[constant] = target.AddConstant(constant.Initializer!, _prefix + constant.Name);
        foreach (var node in source.Nodes)
            Add(node, target, before);
    }

    /// <summary>What stands for a value; null if it is left out.</summary>
    public Value? Of(Value? value) => value is null ? null : _values.GetValueOrDefault(value, value);

    /// <summary>Copies one node; what it reads has to be known already.</summary>
    public void Add(Node node, Graph target, Node? before = null)
    {
        var copy = target.AddNode(node.OpType, node.Domain, [.. node.Inputs.Select(Of)], before);
        (copy.Name, copy.Overload, copy.DocString) = (node.Name.Length == 0 ? "" : _prefix + node.Name, node.Overload, node.DocString);
        copy.TrimInputs();
        foreach (var (key, text) in node.Metadata)
            copy.Metadata[key] = text;
        foreach (var output in node.Outputs)
        {
            var made = copy.AddOutput(output.Name.Length == 0 ? "" : target.FreshName(_prefix + output.Name), output.Type);
            made.OtherType = output.OtherType;
            _values[output] = made;
        }
        foreach (var (name, value) in node.Attributes)
            copy.SetAttribute(name, CopyAttribute(value, target));
    }

    AttributeValue? CopyAttribute(AttributeValue value, Graph parent) => value switch
    {
        GraphAttribute g => new GraphAttribute(CopySubgraph(g.Value, parent)),
        GraphsAttribute g => new GraphsAttribute(Array.ConvertAll(g.Values, inner => CopySubgraph(inner, parent))),
        _ => _attribute(value),
    };

    Graph CopySubgraph(Graph source, Graph parent)
    {
        var copy = new Graph(source.Name, parent) { DocString = source.DocString };
        foreach (var input in source.Inputs)
            _values[input] = copy.AddInput(copy.FreshName(_prefix + input.Name), input.Type);
        Into(source, copy);
        copy.Outputs.AddRange(source.Outputs.Select(o => Of(o)!));
        return copy;
    }
}
