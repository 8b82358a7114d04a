using System.Globalization;
using System.Text;
using OnnxEff.GraphPasses.Normalise;
using OnnxEff.Ir;

namespace OnnxEff.GraphPasses.Raise.Activations;

/// <summary>Nodes that compute each element of a value from the same element of an earlier one, and from numbers: a function of one real.</summary>
/// <param name="From">The argument.</param>
/// <param name="To">The result, of the same shape.</param>
/// <param name="Nodes">The nodes, each after those it reads.</param>
sealed record ElementwiseCone(Value From, Value To, IReadOnlyList<Node> Nodes)
{
    /// <summary>The cone as text: equal texts are the same function.</summary>
    public string Text()
    {
        var names = new Dictionary<Value, int> { [From] = 0 };
        var text = new StringBuilder();
        foreach (var node in Nodes)
        {
            names[node.Result] = names.Count;
            text.Append(CultureInfo.InvariantCulture, $"{node.Domain}.{node.OpType}");
            foreach (var input in node.Inputs)
                text.Append(input is null ? " _" : input.Constant is { } c ? $" {c.ToScalar():R}" : $" #{names[input]}");
            foreach (var (name, value) in node.Attributes)
                text.Append(CultureInfo.InvariantCulture, $" {name}={(value is StringAttribute s ? s.Text : value)}");
            text.Append('\n');
        }
        return text.ToString();
    }
}

/// <summary>Finds the cones that end in a value.</summary>
sealed class ElementwiseCones(Graph graph)
{
    const int MostNodes = 24; // The longest spelling seen, Gelu by tanh of a cubic, has 9.

    static readonly HashSet<string> Functions = [.. Elementwise.OfOne, .. Elementwise.OfTwo, "Identity", "Clip", "Where", "Less", "LessOrEqual", "Greater",
        "GreaterOrEqual", "And", "Or", "Swish", "QuickGelu", "FastGelu", "Sign", "Elu", "LeakyRelu", "Softsign"];

    // A cone without one of these is a polynomial.
    static readonly HashSet<string> Curved = ["Sigmoid", "Tanh", "Erf", "Exp", "Relu", "Gelu", "Max", "Min", "Clip", "Where", "Swish", "QuickGelu", "FastGelu", "Abs"];

    readonly Dictionary<Node, int> _order = graph.Nodes.Select((node, index) => (node, index)).ToDictionary(p => p.node, p => p.index);

    /// <summary>The cones that end in a value, from the smallest on.</summary>
    public IEnumerable<ElementwiseCone> EndingIn(Value end)
    {
        if (end.Shape() is not { } shape || !end.Element().IsFloat())
            yield break;
        var nodes = new List<Node>();
        // What stands last in the graph is taken first, so that a value comes behind all that read it.
        var (seen, pending) = (new HashSet<Value> { end }, new PriorityQueue<Value, int>([(end, 0)]));
        while (pending.TryDequeue(out var value, out _))
        {
            if (pending.Count == 0 && nodes.Exists(n => Curved.Contains(n.OpType)) && shape.Equals(value.Shape()))
                yield return new(value, end, [.. Enumerable.Reverse(nodes)]);
            if (value.Producer is not { } node || !IsFunction(node) || nodes.Count == MostNodes)
                yield break;
            nodes.Add(node);
            foreach (var input in node.Inputs.OfType<Value>().Where(i => i.Constant is null && seen.Add(i)))
                pending.Enqueue(input, input.Producer is { } producer && _order.TryGetValue(producer, out var at) ? -at : 1);
        }
    }

    bool IsFunction(Node node) => node.Domain is "" or "com.microsoft" && Functions.Contains(node.OpType) && node.Outputs.Count == 1
        && _order.ContainsKey(node) && node.Inputs.All(i => i is null || i.Constant is null or { Count: 1 });
}
