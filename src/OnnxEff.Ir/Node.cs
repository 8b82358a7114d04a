using System.Diagnostics.CodeAnalysis;

namespace OnnxEff.Ir;

/// <summary>One application of an operator.</summary>
public sealed class Node
{
    readonly List<Value?> _inputs = [];
    readonly List<int> _places = []; // Of each input: where this use stands among those of the value.
    readonly List<Value> _outputs = [];
    readonly Dictionary<string, AttributeValue> _attributes = [];
    bool _mayHoldGraphs; // Few nodes do, and every walk over a graph asks.

    internal Node(Graph graph, string domain, string opType) => (Graph, Domain, OpType) = (graph, domain, opType);

    /// <summary>The node's name in the file; may be empty.</summary>
    public string Name { get; set; } = "";

    /// <summary>The operator's domain; empty for standard ONNX.</summary>
    public string Domain { get; }

    /// <summary>The operator.</summary>
    public string OpType { get; }

    /// <summary>Overload of a model-local function, usually empty.</summary>
    public string Overload { get; set; } = "";

    /// <summary>The graph that holds the node.</summary>
    public Graph Graph { get; }

    /// <summary>Input slots; null where an optional input is left out.</summary>
    public IReadOnlyList<Value?> Inputs => _inputs;

    /// <summary>Outputs. An output that nobody asked for has an empty name.</summary>
    public IReadOnlyList<Value> Outputs => _outputs;

    /// <summary>Attributes by name.</summary>
    public IReadOnlyDictionary<string, AttributeValue> Attributes => _attributes;

    /// <summary>Free text of the file, or empty.</summary>
    public string DocString { get; set; } = "";

    /// <summary>Metadata of the file's <c>NodeProto</c>, kept as it is.</summary>
    public Dictionary<string, string> Metadata { get; } = [];

    /// <summary>What the file's message holds beyond this class, serialized, or null; owned by reader and writer.</summary>
    internal byte[]? Rest { get; set; }

    /// <summary>Position in the graph's list; owned by <see cref="Ir.Graph"/>.</summary>
    internal LinkedListNode<Node>? Position { get; set; }

    /// <summary>True while the node is part of its graph.</summary>
    public bool IsAlive => Position is not null;

    /// <summary>True for the operator of that name in that domain (<c>ai.onnx</c> is the empty domain).</summary>
    public bool Is(string opType, string domain = "") => OpType == opType && Domain == domain;

    /// <summary>The input in a slot, or null if the node has no such slot or leaves it out.</summary>
    public Value? Input(int index) => index < _inputs.Count ? _inputs[index] : null;

    /// <summary>The output in a slot, or null if the node has no such slot or leaves it out.</summary>
    public Value? Output(int index) => index < _outputs.Count && _outputs[index].Name.Length > 0 ? _outputs[index] : null;

    /// <summary>The only or first output.</summary>
    public Value Result => _outputs[0];

    /// <summary>Puts a value (or nothing) into an input slot; missing slots before it are created empty.</summary>
    public void SetInput(int index, Value? value)
    {
        while (_inputs.Count <= index)
        {
            _inputs.Add(null);
            _places.Add(-1);
        }
        _inputs[index]?.RemoveUse(_places[index]);
        _inputs[index] = value;
        value?.AddUse(new Use(this, index));
    }

    internal void SetPlace(int input, int place) => _places[input] = place;

    /// <summary>Drops empty slots at the end.</summary>
    public void TrimInputs()
    {
        while (_inputs.Count > 0 && _inputs[^1] is null)
        {
            _inputs.RemoveAt(_inputs.Count - 1);
            _places.RemoveAt(_places.Count - 1);
        }
    }

    /// <summary>Appends an output with this name; an empty name is an output nobody asked for.</summary>
    public Value AddOutput(string name, TensorType? type = null)
    {
        var value = new Value(Graph, name) { Type = type, Producer = this, OutputIndex = _outputs.Count };
        _outputs.Add(value);
        return value;
    }

    /// <summary>Sets an attribute; null removes it.</summary>
    public void SetAttribute(string name, AttributeValue? value)
    {
        if (value is null)
            _attributes.Remove(name);
        else
            _attributes[name] = value;
        _mayHoldGraphs |= value is GraphAttribute or GraphsAttribute;
    }

    /// <summary>An attribute as a value of the record type asked for.</summary>
    public bool TryGetAttribute<T>(string name, [NotNullWhen(true)] out T? value) where T : AttributeValue
    {
        value = _attributes.GetValueOrDefault(name) as T;
        return value is not null;
    }

    /// <summary>An integer attribute, or its default.</summary>
    public long Int(string name, long defaultValue = 0) =>
        TryGetAttribute<IntAttribute>(name, out var a) ? a.Value : defaultValue;

    /// <summary>A float attribute, or its default.</summary>
    public float Float(string name, float defaultValue = 0) =>
        TryGetAttribute<FloatAttribute>(name, out var a) ? a.Value : defaultValue;

    /// <summary>A string attribute, or its default.</summary>
    public string Text(string name, string defaultValue = "") =>
        TryGetAttribute<StringAttribute>(name, out var a) ? a.Text : defaultValue;

    /// <summary>A list of integers, or null if the attribute is absent.</summary>
    public long[]? Ints(string name) => TryGetAttribute<IntsAttribute>(name, out var a) ? a.Values : null;

    /// <summary>The subgraphs among the attributes.</summary>
    public IEnumerable<Graph> Subgraphs => !_mayHoldGraphs ? [] : _attributes.Values.SelectMany(a => a switch
    {
        GraphAttribute g => [g.Value],
        GraphsAttribute g => g.Values,
        _ => (Graph[])[],
    });

    /// <summary>The node in one line: <c>y = MatMul(x, w)</c>.</summary>
    public override string ToString() =>
        $"{string.Join(", ", _outputs.Select(o => o.Name))} = {(Domain.Length == 0 ? OpType : $"{Domain}.{OpType}")}"
        + $"({string.Join(", ", _inputs.Select(i => i?.Name ?? "_"))})";
}
