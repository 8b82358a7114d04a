using OnnxEff.Ir;
using OnnxEff.Ops.Llm;

namespace OnnxEff.GraphPasses.Layers;

/// <summary>
/// The layer that each node of a decoder or encoder belongs to. The attentions, in order, are the layers' centres. What depends on
/// the attention of layer i, and on which that of layer i + 1 depends, belongs to layer i, except
/// 1. what is read on the way to that next attention only: norms and projections in front of it;
/// 2. what the next attention does not depend on, but the one after it does: a feed-forward part that runs beside it.
/// What all layers read (masks, angles), the embedding in front of the first and the head behind the last belong to none.
/// </summary>
sealed class LayerMap
{
    /// <summary>The number of what belongs to no layer.</summary>
    public const int None = -1;

    static readonly HashSet<string> s_passing = [Vocabulary.Linear, "MatMul", "Gemm", "Tanh", "Cast", "Reshape",
        "Slice", "Gather", "GatherND", "Squeeze", "Unsqueeze", "Transpose", "Identity", Vocabulary.Activation, "Relu", Vocabulary.RmsNorm, "LayerNormalization"];

    readonly Dictionary<Node, int> _layers = [];
    readonly Dictionary<string, int> _byName = [];

    /// <summary>The layers of a graph in topological order.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="centres">Its attentions, in order.</param>
    public LayerMap(Graph graph, IReadOnlyList<Centre> centres)
    {
        if (centres.Count == 0)
            return;
        Node[] attentions = [.. centres.Select(c => c.Result)];
        var spans = Spans(graph, attentions);
        var inFront = new HashSet<Node>(); // Of the attention that ends their span.
        var beside = new HashSet<Node>(); // Hidden states that only pass by are not among them.
        foreach (var node in graph.Nodes.Reverse())
        {
            var (after, before) = spans[node];
            var layer = after;
            bool Joins(Node reader, HashSet<Node> part) => spans[reader].After == after && part.Contains(reader);
            if (before - after >= 2)
            {
                layer = after + 1;
                if (Walk.IsProjection(node) || Readers(node).Any(r => Joins(r, beside)))
                    beside.Add(node);
            }
            else if (before < attentions.Length && !IsResidualSum(node, spans)
                && Readers(node).All(r => ReferenceEquals(r, attentions[before]) || Joins(r, inFront) || Joins(r, beside)))
            {
                inFront.Add(node);
                layer = before;
            }
            _layers[node] = layer;
        }
        foreach (var (node, layer) in attentions.Select((node, layer) => (node, layer)))
            _layers[node] = layer;
        foreach (var node in Head(graph, attentions.Length - 1))
            _layers[node] = None;
        foreach (var (node, layer) in _layers)
        {
            if (node.Name.Length > 0)
                _byName[node.Name] = layer;
        }
    }

    /// <summary>The layer of a node.</summary>
    public int Of(Node node) => _layers.GetValueOrDefault(node, None);

    /// <summary>The layer of the node of that name.</summary>
    public int Of(string nodeName) => _byName.GetValueOrDefault(nodeName, None);

    /// <summary>For each node the last attention that it depends on, itself included, and the first that depends on it.</summary>
    static Dictionary<Node, (int After, int Before)> Spans(Graph graph, Node[] attentions)
    {
        var centre = attentions.Select((node, index) => (node, index)).ToDictionary(a => a.node, a => a.index);
        var spans = new Dictionary<Node, (int After, int Before)>(graph.Nodes.Count);
        foreach (var node in graph.Nodes)
        {
            var after = None;
            foreach (var value in Graph.Reads(node))
            {
                if (value.Producer is { } producer && spans.TryGetValue(producer, out var known))
                    after = Math.Max(after, known.After);
            }
            spans[node] = (centre.GetValueOrDefault(node, after), attentions.Length);
        }
        foreach (var node in graph.Nodes.Reverse())
        {
            var before = attentions.Length;
            foreach (var reader in Readers(node))
                before = Math.Min(before, centre.GetValueOrDefault(reader, spans[reader].Before));
            spans[node] = spans[node] with { Before = before };
        }
        return spans;
    }

    /// <summary>Hidden states as they were plus what a layer computed of them.</summary>
    static bool IsResidualSum(Node node, Dictionary<Node, (int After, int Before)> spans) => node.Is("Add") && node.Inputs.Count == 2
        && node.Input(0)?.Type?.Shape is { Rank: 2 or 3 } a && a.Equals(node.Input(1)?.Type?.Shape)
        && node.Input(0)!.Producer is { } first && node.Input(1)!.Producer is { } second && spans[first].After != spans[second].After;

    /// <summary>
    /// What stands behind the last layer: from an output back to the last norm. The norm itself is part of the layer if the layer
    /// before ends in one too, as in models that normalise behind each part.
    /// </summary>
    List<Node> Head(Graph graph, int last)
    {
        var head = new List<Node>();
        foreach (var output in graph.Outputs)
        {
            var chain = new List<Node>();
            for (var node = output.Producer; node is not null && Of(node) == last; node = Operand(node)?.Producer)
            {
                chain.Add(node);
                if (!NormParts.IsNorm(node))
                    continue;
                head.AddRange(last == 0 || Norms(last) > Norms(last - 1) ? chain : chain.SkipLast(1));
                break;
            }
        }
        return head;

        int Norms(int layer) => _layers.Count(n => n.Value == layer && NormParts.IsNorm(n.Key));
    }

    /// <summary>What a node passes on position by position, or null if it joins two hidden states.</summary>
    static Value? Operand(Node node) => node.OpType switch
    {
        "Add" or "Mul" or "Div" => node.Inputs.OfType<Value>().Where(v => v.Constant is null).ToArray() is [var operand] ? operand : null,
        _ => s_passing.Contains(node.OpType) ? node.Input(0) : null,
    };

    /// <summary>The nodes of the same graph that read a node's results.</summary>
    static IEnumerable<Node> Readers(Node node)
    {
        foreach (var output in node.Outputs)
        {
            foreach (var use in output.Uses)
            {
                if (ReferenceEquals(use.Node.Graph, node.Graph))
                    yield return use.Node;
            }
        }
    }
}
