using OnnxEff.Ir;

namespace OnnxEff.Cli.Diff;

/// <summary>
/// Where data flows in a graph: points are the graph's inputs and then its nodes, in topological order. The size of a tensor is no
/// data: what reads only a shape does not follow from the tensor that has it. Neither are indices that an operator gives beside its result.
/// </summary>
sealed class DataFlow
{
    readonly Dictionary<Node, int> points = [];
    readonly List<int>[] readers;

    /// <summary>The flow of a graph, whose nodes are brought into topological order.</summary>
    public DataFlow(Graph graph)
    {
        graph.Sort();
        Inputs = [.. graph.Inputs.Where(input => input.Initializer is null)];
        Nodes = [.. graph.Nodes];
        readers = new List<int>[Inputs.Count + Nodes.Count];
        for (var point = 0; point < readers.Length; point++) readers[point] = [];
        for (var i = 0; i < Nodes.Count; i++) points[Nodes[i]] = Inputs.Count + i;
        var inputs = Inputs.Index().ToDictionary(input => input.Item, input => input.Index);
        IsSource = new bool[readers.Length];
        for (var point = 0; point < readers.Length; point++)
        {
            if (NodeAt(point) is not { } node)
            {
                IsSource[point] = true;
                continue;
            }
            int[] from = [.. DataOf(node).Select(value => inputs.TryGetValue(value, out var input) ? input : PointOf(value.Producer)).Where(p => p >= 0).Distinct()];
            foreach (var producer in from) readers[producer].Add(point);
            IsSource[point] = Array.TrueForAll(from, producer => producer < Inputs.Count);
        }
        End = MainOutput(graph);
    }

    /// <summary>Inputs that a caller gives.</summary>
    public IReadOnlyList<Value> Inputs { get; }

    /// <summary>The nodes.</summary>
    public IReadOnlyList<Node> Nodes { get; }

    /// <summary>Number of points.</summary>
    public int Count => readers.Length;

    /// <summary>For each point, whether it is an input or reads nothing but inputs and constants.</summary>
    public bool[] IsSource { get; }

    /// <summary>The node that makes the main output: the one that most nodes stand before; -1 if there is none.</summary>
    public int End { get; }

    /// <summary>The points that read what a point makes, in order.</summary>
    public IReadOnlyList<int> Readers(int point) => readers[point];

    /// <summary>The node at a point; null for an input.</summary>
    public Node? NodeAt(int point) => point < Inputs.Count ? null : Nodes[point - Inputs.Count];

    /// <summary>The point of a node of this graph, or -1.</summary>
    public int PointOf(Node? node) => node is not null && points.TryGetValue(node, out var point) ? point : -1;

    /// <summary>Everything that follows from a point, with the point itself.</summary>
    public bool[] From(int start)
    {
        var reached = new bool[Count];
        reached[start] = true;
        for (var point = start; point < Count; point++)
        {
            if (!reached[point]) continue;
            foreach (var reader in readers[point]) reached[reader] = true;
        }
        return reached;
    }

    /// <summary>True for what gives the size of a tensor.</summary>
    public static bool IsSize(Node node) => node.Is("Shape") || node.Is("Size");

    static IEnumerable<Value> DataOf(Node node) => Graph.Reads(node)
        .Where(value => value.Producer is null || !IsSize(value.Producer))
        .Where(value => value.OutputIndex == 0 || value.Type is null || value.Type.Element.IsFloat())
        .Where(value => !node.Is("CastLike") || node.Input(0) == value);

    int MainOutput(Graph graph)
    {
        var depth = new int[Count];
        for (var point = 0; point < Count; point++)
            foreach (var reader in readers[point]) depth[reader] = Math.Max(depth[reader], depth[point] + 1);
        var end = -1;
        foreach (var point in graph.Outputs.Select(output => PointOf(output.Producer)))
            if (point >= 0 && (end < 0 || depth[point] > depth[end])) end = point;
        return end;
    }
}
