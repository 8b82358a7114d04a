using OnnxEff.Ir;

namespace OnnxEff.Compression;

/// <summary>The nodes that lead from one tapped value to the next.</summary>
/// <param name="Tap">The value at its end.</param>
/// <param name="Nodes">In topological order.</param>
/// <param name="Reads">Values that come in: inputs of the graph, and what earlier segments made.</param>
/// <param name="Makes">Values that later segments read.</param>
public sealed record GraphSegment(Value Tap, IReadOnlyList<Node> Nodes, IReadOnlyList<Value> Reads, IReadOnlyList<Value> Makes);

/// <summary>
/// Cuts a graph at values along its way, so that it can be run piece by piece: each node is in the first segment whose tap depends on it, and what no
/// tap depends on is in none.
/// </summary>
public static class GraphSegments
{
    /// <summary>The segments.</summary>
    /// <param name="graph">A sorted graph.</param>
    /// <param name="taps">Values of it, in topological order.</param>
    public static IReadOnlyList<GraphSegment> Cut(Graph graph, IReadOnlyList<Value> taps)
    {
        var segmentOf = new Dictionary<Node, int>();
        for (var segment = 0; segment < taps.Count; segment++) Claim(taps[segment], segment, segmentOf);
        var nodes = taps.Select(_ => new List<Node>()).ToArray();
        foreach (var node in graph.Nodes)
            if (segmentOf.TryGetValue(node, out var segment)) nodes[segment].Add(node);

        var reads = nodes.Select((own, segment) => own.SelectMany(Graph.Reads).Append(taps[segment])
            .Where(value => value.Constant is null && (value.Producer is not { } producer || segmentOf[producer] < segment)).Distinct().ToArray()).ToArray();
        return [.. nodes.Select((own, segment) => new GraphSegment(taps[segment], own, reads[segment],
            [.. reads.Skip(segment + 1).SelectMany(value => value).Where(value => value.Producer is { } producer && segmentOf[producer] == segment).Distinct()]))];
    }

    static void Claim(Value tap, int segment, Dictionary<Node, int> segmentOf)
    {
        var work = new Stack<Value>([tap]);
        while (work.TryPop(out var value))
        {
            if (value.Producer is not { } node || !segmentOf.TryAdd(node, segment)) continue;
            foreach (var read in Graph.Reads(node)) work.Push(read);
        }
    }
}
