using OnnxEff.GraphPasses.Raise.Positions;
using OnnxEff.Ir;

namespace OnnxEff.GraphPasses.Raise.Attention;

/// <summary>
/// The nodes between a value and an earlier one through which everything hidden that it depends on passes.
/// </summary>
/// <param name="From">The only hidden value that the nodes read from outside.</param>
/// <param name="To">The value computed.</param>
/// <param name="Nodes">The nodes, each after those it reads.</param>
/// <param name="Angles">Floats from outside that depend on positions only, in the order met from <paramref name="To"/>.</param>
sealed record HiddenCone(Value From, Value To, IReadOnlyList<Node> Nodes, IReadOnlyList<Value> Angles);

/// <summary>Finds the cones that end in a value and hold operators that are linear in it or only move it.</summary>
sealed class HiddenCones(Graph graph, PositionalNodes positions)
{
    const int MostNodes = 80; // The longest rotation seen, with its bookkeeping, has 25.

    static readonly HashSet<string> Linear = ["Identity", "Cast", "Reshape", "Transpose", "Unsqueeze", "Squeeze", "Flatten", "Expand", "Tile",
        "Slice", "Split", "Concat", "Gather", "GatherND", "GatherElements", "ScatterND", "ScatterElements", "Where", "Pad",
        "Neg", "Mul", "Div", "Add", "Sub", "Sum", "ReduceSum", "Einsum", "MatMul", "RotaryEmbedding"];

    readonly Dictionary<Node, int> _order = graph.Nodes.Select((node, index) => (node, index)).ToDictionary(p => p.node, p => p.index);

    /// <summary>The cones that end in a value, from the smallest on.</summary>
    public IReadOnlyList<HiddenCone> EndingIn(Value end)
    {
        var cones = new List<HiddenCone>();
        var (nodes, placed, angles) = (new List<Node>(), new HashSet<Node>(), new List<Value>());
        var (seen, pending) = (new HashSet<Value> { end }, new PriorityQueue<Value, int>([(end, 0)]));
        while (pending.Count > 0 && nodes.Count < MostNodes)
        {
            var value = pending.Dequeue();
            if (pending.Count == 0 && nodes.Count > 0)
                cones.Add(new(value, end, [.. Enumerable.Reverse(nodes)], [.. angles]));
            if (value.Producer is not { } node || !_order.ContainsKey(node) || !Linear.Contains(node.OpType))
                break;
            if (!placed.Add(node))
                continue;
            nodes.Add(node);
            foreach (var input in node.Inputs.OfType<Value>().Where(i => i.Constant is null && seen.Add(i)))
            {
                if (positions.IsHidden(input))
                    pending.Enqueue(input, input.Producer is { } producer && _order.TryGetValue(producer, out var at) ? -at : 1);
                else if (input.Type?.Element.IsFloat() == true)
                    angles.Add(input);
            }
        }
        return cones;
    }
}
