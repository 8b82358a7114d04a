using OnnxEff.Ir;

namespace OnnxEff.Rewriting;

/// <summary>
/// A value on the side of a patch: one that the graph already has, or one that the patch will make. Operators build the
/// calls that they match in a <see cref="Pattern"/>.
/// </summary>
public sealed class Wire
{
    internal Wire(Value existing) => Existing = existing;

    internal Wire(PlannedNode planned, int output) => (Planned, Output) = (planned, output);

    internal Wire(Tensor constant, string hint) => (Constant, Hint) = (constant, hint);

    internal Value? Existing { get; }

    internal PlannedNode? Planned { get; }

    internal int Output { get; }

    internal Tensor? Constant { get; }

    internal string Hint { get; } = "";

    internal TensorType? Type { get; private set; }

    /// <summary>A value of the graph.</summary>
    public static implicit operator Wire(Value value) => new(value);

    /// <summary>Declares the type; results take the type of what they replace without this.</summary>
    public Wire OfType(TensorType? type)
    {
        Type = type;
        return this;
    }

    /// <summary>Sets an attribute of the node that makes this value.</summary>
    /// <exception cref="InvalidOperationException">The patch does not make this value.</exception>
    public Wire With(string name, AttributeValue value)
    {
        (Planned ?? throw new InvalidOperationException($"Attribute '{name}' was set on a value that is no new node's."))
            .Attributes.Add((name, value));
        return this;
    }

    /// <summary>Another output of the node that makes this value.</summary>
    public Wire At(int output) => Planned is null
        ? throw new InvalidOperationException("Only a new node has further outputs.")
        : Planned.Wires.Find(w => w.Output == output) ?? Planned.AddWire(output);
}

/// <summary>A node that a patch will add.</summary>
sealed class PlannedNode(string domain, string opType, Wire?[] inputs)
{
    public string Domain => domain;

    public string OpType => opType;

    public Wire?[] Inputs => inputs;

    public List<(string Name, AttributeValue Value)> Attributes { get; } = [];

    public List<Wire> Wires { get; } = [];

    public Node? Node { get; set; }

    public Wire AddWire(int output)
    {
        var wire = new Wire(this, output);
        Wires.Add(wire);
        return wire;
    }
}
