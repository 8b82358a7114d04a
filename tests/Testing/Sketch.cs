using OnnxEff.Ir;

namespace OnnxEff.Tests.Testing;

/// <summary>Writes small models: inputs, constants, then one call for each node.</summary>
public sealed class Sketch
{
    readonly Dictionary<string, Value> _values = [];
    readonly Graph _graph;

    /// <summary>An empty model.</summary>
    public Sketch(long opset = 18, Graph? graph = null, Sketch? around = null)
    {
        _graph = graph ?? new Graph("sketch");
        Model = around?.Model ?? new Model(_graph) { IrVersion = 10 };
        if (around is null)
            (Model.Opsets[""], Model.Opsets["com.microsoft"]) = (opset, 1);
        foreach (var (name, value) in around?._values ?? [])
            _values[name] = value;
    }

    /// <summary>The model.</summary>
    public Model Model { get; }

    /// <summary>The graph.</summary>
    public Graph Graph => _graph;

    /// <summary>A value by name.</summary>
    public Value this[string name] => _values[name];

    /// <summary>An input; a dimension is a number or a symbol.</summary>
    public Sketch Input(string name, ElementType element, params object[] dims)
    {
        var shape = new TensorShape(dims.Select(d => d is int n ? Dim.Of(n) : Dim.Symbol((string)d)));
        _values[name] = _graph.AddInput(name, new TensorType(element, shape));
        return this;
    }

    /// <summary>A float32 input.</summary>
    public Sketch Input(string name, params object[] dims) => Input(name, ElementType.Float32, dims);

    /// <summary>A constant.</summary>
    public Sketch Const(string name, Tensor tensor)
    {
        _values[name] = _graph.AddInitializer(name, tensor);
        return this;
    }

    /// <summary>A float32 scalar.</summary>
    public Sketch Const(string name, float value) => Const(name, Tensor.Scalar(value));

    /// <summary>A vector of integers.</summary>
    public Sketch Const(string name, params long[] values) => Const(name, Tensor.Vector<long>(values));

    /// <summary>A float32 tensor of reproducible values between 0.5 and 1.5.</summary>
    public Sketch Weight(string name, params long[] dims)
    {
        var random = new Random(name.Length);
        return Const(name, Tensor.Create<float>(dims, [.. Enumerable.Range(0, (int)Tensor.CountOf(dims)).Select(_ => random.NextSingle() + 0.5f)]));
    }

    /// <summary>A node: <c>Node("y", "Add", "a b")</c>; outputs and inputs are separated by spaces, "_" is one left out.</summary>
    public Sketch Node(string outputs, string op, string inputs = "", params (string Name, AttributeValue Value)[] attributes)
    {
        var dot = op.LastIndexOf('.');
        Value?[] read = [.. inputs.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(i => i == "_" ? null : _values[i])];
        var node = _graph.AddNode(op[(dot + 1)..], dot < 0 ? "" : op[..dot], read);
        foreach (var name in outputs.Split(' '))
            _values[name] = node.AddOutput(name == "_" ? "" : name);
        foreach (var (name, value) in attributes)
            node.SetAttribute(name, value);
        node.Name = "node_" + outputs.Split(' ')[0];
        return this;
    }

    /// <summary>Outputs of the graph.</summary>
    public Sketch Output(params string[] names)
    {
        _graph.Outputs.AddRange(names.Select(n => _values[n]));
        return this;
    }

    /// <summary>The nodes in one line each, in topological order.</summary>
    public string Text
    {
        get
        {
            _graph.Sort();
            return string.Join("; ", _graph.Nodes);
        }
    }

    /// <summary>The operators in topological order.</summary>
    public string Ops
    {
        get
        {
            _graph.Sort();
            return string.Join(" ", _graph.Nodes.Select(n => n.OpType));
        }
    }
}
