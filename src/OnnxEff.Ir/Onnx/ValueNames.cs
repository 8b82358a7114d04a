namespace OnnxEff.Ir.Onnx;

/// <summary>
/// The names under which values are written: their own where they have one that no other visible value has. Inputs and
/// outputs of the outermost graph always keep theirs.
/// </summary>
internal sealed class ValueNames
{
    readonly Dictionary<Value, string> _names = [];

    /// <summary>Names all values of a graph and its subgraphs.</summary>
    /// <exception cref="InvalidGraphException">Two inputs or outputs have one name, or one has none.</exception>
    public ValueNames(Graph graph) => Name(graph, null);

    /// <summary>The name of a value, empty for none.</summary>
    /// <param name="value">The value.</param>
    /// <param name="reader">Who reads it, to begin a sentence with.</param>
    public string Of(Value? value, string reader) => value is null ? "" : _names.TryGetValue(value, out var name) ? name
        : throw new InvalidGraphException($"{reader} reads '{value.Name}', which is not part of the graph.");

    /// <summary>The name of a node's output, empty if nobody asks for it.</summary>
    public string OfOutput(Value value) => _names.GetValueOrDefault(value, "");

    void Name(Graph graph, Taken? outer)
    {
        var taken = new Taken(outer);
        foreach (var value in graph.Inputs.Concat(graph.Outputs).Where(v => ReferenceEquals(v.Graph, graph)))
        {
            if (_names.ContainsKey(value))
                continue;
            if (graph.Parent is not null || (value.Name.Length > 0 && taken.Add(value.Name)))
                _names.Add(value, graph.Parent is null ? value.Name : Unique(value, taken));
            else
                throw new InvalidGraphException($"Two inputs or outputs of graph '{graph.Name}' are named '{value.Name}', or one has no name.");
        }
        foreach (var value in graph.OpaqueValues.Concat(graph.Initializers))
        {
            if (!_names.ContainsKey(value))
                _names.Add(value, Unique(value, taken));
        }
        var readInside = graph.Nodes.SelectMany(n => n.Subgraphs).SelectMany(g => g.SelfAndSubgraphs()).SelectMany(g => g.Outputs).ToHashSet();
        foreach (var value in graph.Nodes.SelectMany(n => n.Outputs))
        {
            if (!_names.ContainsKey(value) && (value.Name.Length > 0 || value.Uses.Count > 0 || readInside.Contains(value)))
                _names.Add(value, Unique(value, taken));
        }
        foreach (var subgraph in graph.Nodes.SelectMany(n => n.Subgraphs))
            Name(subgraph, taken);
    }

    static string Unique(Value value, Taken taken)
    {
        if (value.Name.Length > 0 && taken.Add(value.Name))
            return value.Name;
        var stem = value.Name.Length > 0 ? value.Name : value.Producer?.OpType ?? "value";
        for (var number = 1; ; number++)
        {
            if (taken.Add($"{stem}_{number}"))
                return $"{stem}_{number}";
        }
    }

    /// <summary>Names taken in a graph and in those around it.</summary>
    sealed class Taken(Taken? outer)
    {
        readonly HashSet<string> _names = [];

        public bool Add(string name) => outer?.Contains(name) != true && _names.Add(name);

        bool Contains(string name) => _names.Contains(name) || outer?.Contains(name) == true;
    }
}
