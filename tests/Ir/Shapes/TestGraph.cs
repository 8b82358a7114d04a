using OnnxEff.Ir;
using OnnxEff.Ir.Shapes;

namespace OnnxEff.Tests.Ir.Shapes;

/// <summary>Builds small graphs in the order in which they are written down, and runs inference once they are asked.</summary>
sealed class TestGraph
{
    ShapeFacts? _facts;
    int _count;

    public TestGraph(long opset = 21)
    {
        Model = new Model(new Graph("test"));
        Model.Opsets[""] = opset;
        Model.Opsets["com.microsoft"] = 1;
    }

    public Model Model { get; }

    public Graph Graph => Model.Graph;

    public ShapeFacts Facts => _facts ??= ShapeInference.Run(Model);

    /// <summary>An input; the shape is written <c>B, S, 64</c>.</summary>
    public Value Input(string name, ElementType type, string shape) =>
        Graph.AddInput(name, new TensorType(type, new TensorShape(shape.Split(", ", StringSplitOptions.RemoveEmptyEntries).Select(Dim.Parse))));

    public Value Input(string name, string shape) => Input(name, ElementType.Float32, shape);

    public Value Ints(params long[] values) => Graph.AddConstant(Tensor.Vector<long>(values));

    public Value Int(long value) => Graph.AddConstant(Tensor.Scalar(value));

    public Value Number(float value) => Graph.AddConstant(Tensor.Scalar(value));

    public Value Op(string opType, params Value?[] inputs) => Node(opType, inputs).Result;

    public Value Op(string opType, Value?[] inputs, params (string Name, AttributeValue Value)[] attributes) =>
        Node(opType, inputs, 1, attributes).Result;

    /// <summary>A node with that many outputs; the operator may be written <c>com.microsoft.Name</c>.</summary>
    public Node Node(string opType, Value?[] inputs, int outputs = 1, params (string Name, AttributeValue Value)[] attributes) =>
        NodeIn(Graph, opType, inputs, outputs, attributes);

    public Node NodeIn(Graph graph, string opType, Value?[] inputs, int outputs = 1, params (string Name, AttributeValue Value)[] attributes)
    {
        _facts = null;
        var dot = opType.LastIndexOf('.');
        var node = graph.AddNode(opType[(dot + 1)..], dot < 0 ? "" : opType[..dot], inputs);
        node.Name = $"n{++_count}";
        for (var i = 0; i < outputs; i++)
            node.AddOutput($"{node.OpType}{_count}.{i}");
        foreach (var (name, value) in attributes)
            node.SetAttribute(name, value);
        return node;
    }

    /// <summary>The inferred type as text.</summary>
    public string Type(Value value)
    {
        _ = Facts;
        return value.Type?.ToString() ?? "?";
    }

    /// <summary>The inferred elements as text.</summary>
    public string Elements(Value value) => Facts.ValueOf(value)?.ToString() ?? "?";
}
