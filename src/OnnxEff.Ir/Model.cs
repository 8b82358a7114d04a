namespace OnnxEff.Ir;

/// <summary>An ONNX model: one graph, the operator sets it imports, its local functions and its metadata.</summary>
public sealed class Model
{
    /// <summary>A model around a graph.</summary>
    public Model(Graph graph) => Graph = graph;

    /// <summary>The graph.</summary>
    public Graph Graph { get; }

    /// <summary>Version of the ONNX file format.</summary>
    public long IrVersion { get; set; } = 10;

    /// <summary>Imported operator sets: domain to version. Standard ONNX is the empty domain.</summary>
    public Dictionary<string, long> Opsets { get; } = [];

    /// <summary>The tool that wrote the file.</summary>
    public string ProducerName { get; set; } = "";

    /// <summary>The tool's version.</summary>
    public string ProducerVersion { get; set; } = "";

    /// <summary>The model's name space.</summary>
    public string Domain { get; set; } = "";

    /// <summary>The model's own version.</summary>
    public long ModelVersion { get; set; }

    /// <summary>Free text.</summary>
    public string DocString { get; set; } = "";

    /// <summary>Metadata for applications.</summary>
    public Dictionary<string, string> Metadata { get; } = [];

    /// <summary>Model-local functions.</summary>
    public List<Function> Functions { get; } = [];

    /// <summary>The file from which the model was read, or null.</summary>
    public string? Path { get; set; }

    /// <summary>Full paths of the files that hold the model which was read: the graph's first, then those of its external data.</summary>
    internal IReadOnlyList<string> SourceFiles { get; set; } = [];

    /// <summary>What the file's message holds beyond this class, serialized, or null; owned by reader and writer.</summary>
    internal byte[]? Rest { get; set; }

    /// <summary>A model around an empty graph that imports what this one does: for a part that is cut out and run.</summary>
    public Model EmptyAlike(string graphName)
    {
        var empty = new Model(new Graph(graphName)) { IrVersion = IrVersion };
        foreach (var (domain, version) in Opsets)
            empty.Opsets[domain] = version;
        return empty;
    }

    /// <summary>The version of standard ONNX.</summary>
    public long Opset => Opsets.GetValueOrDefault("");

    /// <summary>All tensors of the model: initializers and those in attributes. One that several values share comes several times.</summary>
    public IEnumerable<Tensor> Tensors => AllGraphs.SelectMany(g =>
        g.Initializers.Select(i => i.Initializer!).Concat(g.Nodes.SelectMany(n => n.Attributes.Values).SelectMany(a => a switch
        {
            TensorAttribute t => [t.Value],
            TensorsAttribute t => t.Values,
            _ => (Tensor[])[],
        })));

    /// <summary>The graph, its subgraphs and the bodies of the functions.</summary>
    public IEnumerable<Graph> AllGraphs => Graph.SelfAndSubgraphs().Concat(Functions.SelectMany(f => f.Body.SelfAndSubgraphs()));
}

/// <summary>A model-local function: a named subgraph with formal inputs, outputs and attributes.</summary>
public sealed class Function
{
    /// <summary>A function with this body.</summary>
    public Function(string domain, string name, Graph body) => (Domain, Name, Body) = (domain, name, body);

    /// <summary>The function's domain.</summary>
    public string Domain { get; }

    /// <summary>The function's name.</summary>
    public string Name { get; }

    /// <summary>The function's overload, usually empty.</summary>
    public string Overload { get; set; } = "";

    /// <summary>The nodes; its inputs and outputs are the formal ones.</summary>
    public Graph Body { get; }

    /// <summary>Attributes that a caller must give.</summary>
    public List<string> AttributeNames { get; } = [];

    /// <summary>Attributes with their defaults.</summary>
    public Dictionary<string, AttributeValue> AttributeDefaults { get; } = [];

    /// <summary>Imported operator sets.</summary>
    public Dictionary<string, long> Opsets { get; } = [];

    /// <summary>Free text.</summary>
    public string DocString { get; set; } = "";

    /// <summary>Metadata of the file's <c>FunctionProto</c>, kept as it is.</summary>
    public Dictionary<string, string> Metadata { get; } = [];

    /// <summary>What the file's message holds beyond this class, serialized, or null; owned by reader and writer.</summary>
    internal byte[]? Rest { get; set; }
}
