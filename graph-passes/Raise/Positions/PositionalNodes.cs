using OnnxEff.Ir;
using OnnxEff.Ops.Llm;

namespace OnnxEff.GraphPasses.Raise.Positions;

/// <summary>Collects the nodes that some values depend on, stopping at shapes of hidden values.</summary>
sealed class PositionalNodes(TokenInputs tokens)
{
    readonly Dictionary<Value, bool> _hidden = [];
    readonly HashSet<Value> _visited = [];
    readonly List<Node> _order = [];
    readonly HashSet<Node> _placed = [];
    readonly List<Value> _inputs = [];
    readonly List<Value> _shapes = [];

    /// <summary>The nodes, each after those it reads.</summary>
    public IReadOnlyList<Node> InOrder => _order;

    /// <summary>Graph inputs that are read.</summary>
    public IReadOnlyList<Value> Inputs => _inputs;

    /// <summary>Results of Shape and Size nodes whose operand is hidden.</summary>
    public IReadOnlyList<Value> HiddenShapes => _shapes;

    /// <summary>Adds what a value depends on, or says why it cannot be evaluated; nothing is added then.</summary>
    public bool TryAdd(Value target, out string because)
    {
        because = "";
        if (IsHidden(target))
        {
            because = "it depends on the content of the hidden states";
            return false;
        }
        var (visited, order, inputs, shapes) = (new HashSet<Value>(), new List<Node>(), new List<Value>(), new List<Value>());
        var pending = new Stack<(Value Value, bool Entered)>([(target, false)]);
        while (pending.TryPop(out var item))
        {
            var (value, entered) = item;
            if (entered)
            {
                order.Add(value.Producer!);
                continue;
            }
            if (value.Constant is not null || _visited.Contains(value) || !visited.Add(value))
                continue;
            if (value.Producer is not { } producer)
                inputs.Add(value);
            else if (ShapeResult.IsFrom(producer) && IsHidden(producer.Input(0)!))
            {
                if (producer.Input(0)!.Type?.Shape is null)
                {
                    because = $"the shape of '{producer.Input(0)!.Name}' is not known";
                    return false;
                }
                shapes.Add(value);
            }
            else
            {
                pending.Push((value, true));
                foreach (var read in Graph.Reads(producer))
                    pending.Push((read, false));
            }
        }
        _visited.UnionWith(visited);
        _order.AddRange(order.Where(_placed.Add)); // A node with two outputs is met twice.
        _inputs.AddRange(inputs);
        _shapes.AddRange(shapes);
        return true;
    }

    /// <summary>True if the value depends on what the ids or a float input hold.</summary>
    public bool IsHidden(Value value)
    {
        var pending = new Stack<Value>([value]);
        while (pending.TryPeek(out var top))
        {
            if (_hidden.ContainsKey(top))
            {
                pending.Pop();
                continue;
            }
            if (top.Producer is not { } producer)
            {
                _hidden[top] = top.Constant is null && (top == tokens.TokenIds || tokens.Contents.Contains(top) || !(top.Type?.Element.IsInteger() == true || top.Type?.Element == ElementType.Bool));
                continue;
            }
            if (ShapeResult.IsFrom(producer))
            {
                _hidden[top] = false;
                continue;
            }
            var reads = Graph.Reads(producer).ToArray();
            if (reads.Any(r => _hidden.GetValueOrDefault(r)))
                _hidden[top] = true;
            else if (reads.FirstOrDefault(r => !_hidden.ContainsKey(r)) is { } unknown)
                pending.Push(unknown);
            else
                _hidden[top] = false;
        }
        return _hidden[value];
    }
}
