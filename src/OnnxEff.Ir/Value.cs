namespace OnnxEff.Ir;

/// <summary>One place where a value is read: an input slot of a node.</summary>
/// <param name="Node">The reading node; it may live in a subgraph of the value's graph.</param>
/// <param name="Index">The input slot.</param>
public readonly record struct Use(Node Node, int Index);

/// <summary>
/// An edge of the graph: produced by one node, or a graph input, or an initializer; read by any number of nodes.
/// A graph input may have an initializer too (its default).
/// </summary>
public sealed class Value
{
    readonly List<Use> _uses = [];

    internal Value(Graph graph, string name) => (Graph, Name) = (graph, name);

    /// <summary>The name, unique among the values visible from its graph.</summary>
    public string Name { get; set; }

    /// <summary>Element type and shape, as far as known. Null for unknown types and for what is no tensor.</summary>
    public TensorType? Type { get; set; }

    /// <summary>Serialized ONNX <c>TypeProto</c> of a value that is no dense tensor (sequence, optional, map), else null.</summary>
    public byte[]? OtherType { get; set; }

    /// <summary>The graph in which the value is defined.</summary>
    public Graph Graph { get; }

    /// <summary>The node that makes this value; null for inputs and initializers.</summary>
    public Node? Producer { get; internal set; }

    /// <summary>The output slot of <see cref="Producer"/>.</summary>
    public int OutputIndex { get; internal set; }

    /// <summary>The initializer, if the value has one.</summary>
    public Tensor? Initializer { get; set; }

    /// <summary>The constant that the value always is: an initializer which no input can override.</summary>
    public Tensor? Constant => IsInput ? null : Initializer;

    /// <summary>True for an input of its graph.</summary>
    public bool IsInput { get; internal set; }

    /// <summary>True if the value is an output of its graph.</summary>
    public bool IsOutput => TimesOutput > 0;

    /// <summary>How often the value stands among the outputs of its graph; owned by <see cref="GraphOutputs"/>.</summary>
    internal int TimesOutput { get; set; }

    /// <summary>The places where nodes read it, in an order that edits change. Graph outputs are not among them.</summary>
    public IReadOnlyList<Use> Uses => _uses;

    /// <summary>Free text of the file, or empty.</summary>
    public string DocString { get; set; } = "";

    /// <summary>Metadata of the file's <c>ValueInfoProto</c> (or initializer), kept as it is.</summary>
    public Dictionary<string, string> Metadata { get; } = [];

    /// <summary>What the file says about the value; owned by reader and writer.</summary>
    internal Onnx.ValueSource? Source { get; set; }

    internal void AddUse(Use use)
    {
        use.Node.SetPlace(use.Index, _uses.Count);
        _uses.Add(use);
    }

    /// <summary>Removes a use from its place in <see cref="Uses"/>; the last one moves there, since thousands of nodes may share a constant.</summary>
    internal void RemoveUse(int place)
    {
        var last = _uses[^1];
        _uses[place] = last;
        last.Node.SetPlace(last.Index, place);
        _uses.RemoveAt(_uses.Count - 1);
    }

    /// <summary>Lets every reader of this value, and the graph's outputs, read <paramref name="other"/> instead.</summary>
    public void ReplaceUsesWith(Value other)
    {
        if (ReferenceEquals(this, other))
            return;
        foreach (var use in _uses.ToArray())
            use.Node.SetInput(use.Index, other);
        for (var i = 0; IsOutput && i < Graph.Outputs.Count; i++)
        {
            if (ReferenceEquals(Graph.Outputs[i], this))
                Graph.Outputs[i] = other;
        }
    }

    /// <summary>The name with the type: <c>x: float32[B, S]</c>.</summary>
    public override string ToString() => Type is null ? Name : $"{Name}: {Type}";
}
