namespace OnnxEff.Ir;

/// <summary>
/// A graph of nodes. Nodes are kept in an order which <see cref="Sort"/> makes topological; between edits any order is
/// legal. A subgraph may read values of the graphs around it.
/// </summary>
public sealed class Graph
{
    readonly LinkedList<Node> _nodes = [];
    readonly List<Value> _inputs = [];
    readonly Dictionary<string, Value> _initializers = [];
    long _fresh;

    /// <summary>An empty graph.</summary>
    public Graph(string name = "", Graph? parent = null) => (Name, Parent, Outputs) = (name, parent, new(this));

    /// <summary>The graph's name.</summary>
    public string Name { get; set; }

    /// <summary>The graph around this subgraph, or null.</summary>
    public Graph? Parent { get; }

    /// <summary>Inputs in order.</summary>
    public IReadOnlyList<Value> Inputs => _inputs;

    /// <summary>Outputs in order. The same value may appear twice; a value's name is the output's name.</summary>
    public GraphOutputs Outputs { get; }

    /// <summary>Values that hold a constant tensor.</summary>
    public IReadOnlyCollection<Value> Initializers => _initializers.Values;

    /// <summary>The nodes.</summary>
    public IReadOnlyCollection<Node> Nodes => _nodes;

    /// <summary>Free text of the file, or empty.</summary>
    public string DocString { get; set; } = "";

    /// <summary>Metadata of the file's <c>GraphProto</c>, kept as it is.</summary>
    public Dictionary<string, string> Metadata { get; } = [];

    /// <summary>Parts of the file's <c>GraphProto</c> this library does not look into, by field number, serialized.</summary>
    public Dictionary<int, List<byte[]>> OpaqueFields { get; } = [];

    /// <summary>Values that <see cref="OpaqueFields"/> define: sparse initializers.</summary>
    internal List<Value> OpaqueValues { get; } = [];

    /// <summary>Adds an input at the end.</summary>
    public Value AddInput(string name, TensorType? type = null)
    {
        var value = new Value(this, name) { Type = type, IsInput = true };
        _inputs.Add(value);
        return value;
    }

    /// <summary>Adds a constant. A name that an input has becomes that input's default.</summary>
    public Value AddInitializer(string name, Tensor tensor)
    {
        var value = _inputs.Find(i => i.Name == name) ?? new Value(this, name) { Type = tensor.Type };
        return AddInitializer(value, tensor);
    }

    /// <summary>Gives an input, or a new value of this graph, its tensor.</summary>
    internal Value AddInitializer(Value value, Tensor tensor)
    {
        _initializers.Add(value.Name, value);
        value.Initializer = tensor;
        return value;
    }

    /// <summary>Adds a constant under a fresh name.</summary>
    public Value AddConstant(Tensor tensor, string hint = "const") => AddInitializer(FreshName(hint), tensor);

    /// <summary>Removes an initializer that nobody reads.</summary>
    public void RemoveInitializer(Value value)
    {
        value.Initializer = null;
        _initializers.Remove(value.Name);
    }

    /// <summary>Adds a node at the end, or before another. Outputs are added by the caller.</summary>
    public Node AddNode(string opType, string domain, ReadOnlySpan<Value?> inputs, Node? before = null)
    {
        var node = new Node(this, domain, opType);
        for (var i = 0; i < inputs.Length; i++)
            node.SetInput(i, inputs[i]);
        node.Position = before?.Position is { } position ? _nodes.AddBefore(position, node) : _nodes.AddLast(node);
        return node;
    }

    /// <summary>Removes a node. Its outputs must have no reader left.</summary>
    public void RemoveNode(Node node)
    {
        if (node.Position is null)
            return;
        _nodes.Remove(node.Position);
        node.Position = null;
        for (var i = 0; i < node.Inputs.Count; i++)
            node.SetInput(i, null);
        foreach (var inner in node.Subgraphs.SelectMany(g => g.Nodes.ToArray()))
            inner.Graph.RemoveNode(inner);
    }

    /// <summary>A name that no value of this graph made through <see cref="FreshName"/> has, starting with a hint.</summary>
    public string FreshName(string hint) => $"{hint}::{++Root._fresh}";

    /// <summary>Keeps <see cref="FreshName"/> from making a name that a file has.</summary>
    internal void ReserveName(string name)
    {
        const int MaxDigits = 15; // Longer numbers are not reached by counting.
        var mark = name.LastIndexOf("::", StringComparison.Ordinal);
        if (mark >= 0 && name.Length - mark - 2 <= MaxDigits && long.TryParse(name.AsSpan(mark + 2),
            System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var number))
        {
            Root._fresh = Math.Max(Root._fresh, number);
        }
    }

    /// <summary>The outermost graph.</summary>
    public Graph Root => Parent?.Root ?? this;

    /// <summary>This graph and all subgraphs, outermost first.</summary>
    public IEnumerable<Graph> SelfAndSubgraphs() =>
        _nodes.SelectMany(n => n.Subgraphs).SelectMany(g => g.SelfAndSubgraphs()).Prepend(this);

    /// <summary>All values: inputs, initializers and node outputs of this graph.</summary>
    public IEnumerable<Value> Values => _inputs.Concat(_initializers.Values.Where(v => !v.IsInput))
        .Concat(_nodes.SelectMany(n => n.Outputs).Where(o => o.Name.Length > 0));

    /// <summary>Brings the nodes into topological order, keeping the present order where it can.</summary>
    /// <exception cref="InvalidGraphException">The graph has a cycle.</exception>
    public void Sort()
    {
        foreach (var subgraph in _nodes.SelectMany(n => n.Subgraphs))
            subgraph.Sort();
        var state = new Dictionary<Node, bool>(_nodes.Count); // false: being visited, true: placed
        var sorted = new List<Node>(_nodes.Count);
        var stack = new Stack<(Node Node, IEnumerator<Node> Next)>();
        foreach (var root in _nodes)
        {
            if (state.ContainsKey(root))
                continue;
            Enter(root);
            while (stack.TryPeek(out var top))
            {
                if (!top.Next.MoveNext())
                {
                    state[top.Node] = true;
                    sorted.Add(top.Node);
                    stack.Pop();
                }
                else if (!state.TryGetValue(top.Next.Current, out var placed))
                    Enter(top.Next.Current);
                else if (!placed)
                    throw new InvalidGraphException($"The graph has a cycle through node '{top.Node.Name}' ({top.Node.OpType}).");
            }
        }
        _nodes.Clear();
        foreach (var node in sorted)
            node.Position = _nodes.AddLast(node);

        void Enter(Node node)
        {
            state[node] = false;
            stack.Push((node, Dependencies(node).GetEnumerator()));
        }
    }

    /// <summary>The values that a node reads: its inputs and what its subgraphs read from outside of themselves.</summary>
    public static IEnumerable<Value> Reads(Node node) => !node.Subgraphs.Any() ? node.Inputs.OfType<Value>() : node.Inputs.OfType<Value>().Concat(
        node.Subgraphs.SelectMany(g => g.Nodes.SelectMany(Reads).Concat(g.Outputs).Where(v => IsOutside(v, g))));

    static bool IsOutside(Value value, Graph graph)
    {
        for (Graph? g = value.Graph; g is not null; g = g.Parent)
        {
            if (ReferenceEquals(g, graph))
                return false;
        }
        return true;
    }

    IEnumerable<Node> Dependencies(Node node) => Reads(node).Select(v => v.Producer)
        .OfType<Node>().Where(p => ReferenceEquals(p.Graph, this));

    /// <summary>Removes nodes and initializers that no output depends on.</summary>
    /// <returns>The number of nodes removed.</returns>
    public int RemoveDead()
    {
        var live = new HashSet<Node>();
        var work = new Stack<Node>(Outputs.Select(o => o.Producer).OfType<Node>());
        while (work.TryPop(out var node))
        {
            if (!ReferenceEquals(node.Graph, this) || !live.Add(node))
                continue;
            foreach (var dependency in Dependencies(node))
                work.Push(dependency);
        }
        var dead = _nodes.Where(n => !live.Contains(n)).ToArray();
        foreach (var node in Enumerable.Reverse(dead))
            RemoveNode(node);
        foreach (var subgraph in _nodes.SelectMany(n => n.Subgraphs))
            subgraph.RemoveDead();
        var handedOut = SelfAndSubgraphs().SelectMany(g => g.Outputs).ToHashSet();
        foreach (var value in _initializers.Values.Where(v => v.Uses.Count == 0 && !v.IsInput && !handedOut.Contains(v)).ToArray())
            RemoveInitializer(value);
        return dead.Length;
    }
}
