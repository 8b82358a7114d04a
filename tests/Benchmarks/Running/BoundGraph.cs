using OnnxEff.Ir;
using OnnxEff.Ir.Onnx;
using OnnxEff.Ops;
using OnnxEff.Runtime;

namespace OnnxEff.Benchmarks.Running;

/// <summary>A small graph and the tensors that its inputs and outputs are bound to, so that a run allocates nothing it need not.</summary>
sealed class BoundGraph
{
    readonly Graph graph = new("measured");
    readonly Dictionary<string, OrtTensor> inputs = [], outputs = [];

    /// <summary>An input that reads a tensor; only its last size is a number, as exported models have it.</summary>
    public Value Input(string name, OrtTensor tensor)
    {
        inputs.Add(name, tensor);
        return graph.AddInput(name, new TensorType(tensor.Element, Shape(name, tensor)));
    }

    /// <summary>A weight.</summary>
    public Value Constant(Tensor tensor) => graph.AddConstant(tensor);

    /// <summary>A node.</summary>
    public Node Node(string operation, string domain, Value?[] from, params (string Name, long Value)[] attributes)
    {
        Node node = graph.AddNode(operation, domain, from);
        foreach ((string name, long value) in attributes) node.SetAttribute(name, new IntAttribute(value));
        return node;
    }

    /// <summary>A node like another one, with another first input.</summary>
    public Node Again(Node node, Value first)
    {
        Node again = graph.AddNode(node.OpType, node.Domain, [first, .. node.Inputs.Skip(1)]);
        foreach ((string name, AttributeValue value) in node.Attributes) again.SetAttribute(name, value);
        return again;
    }

    /// <summary>The node's next output, written to a tensor.</summary>
    public Value Output(Node node, string name, OrtTensor tensor)
    {
        Value output = node.AddOutput(name, new TensorType(tensor.Element, Shape(name, tensor)));
        outputs.Add(name, tensor);
        graph.Outputs.Add(output);
        return output;
    }

    /// <summary>Loads the graph.</summary>
    /// <exception cref="OrtException">ONNX Runtime refuses it.</exception>
    public BoundSession Open(OrtSessionOptions options)
    {
        var model = new Model(graph) { IrVersion = 10 };
        model.Opsets[""] = 24;
        model.Opsets["com.microsoft"] = 1;
        model.Opsets[OnnxEffOperators.Domain] = OnnxEffOperators.Version;
        return new(OrtSession.FromBytes(OnnxWriter.ToBytes(model), options), inputs, outputs);
    }

    static TensorShape Shape(string name, OrtTensor tensor)
    {
        Dim[] dims = [.. tensor.Dims.ToArray().Select((size, i) => i == tensor.Dims.Length - 1 ? Dim.Of(size) : Dim.Symbol($"{name}_{i}"))];
        return new(dims);
    }
}

/// <summary>A session with everything bound.</summary>
sealed class BoundSession : IDisposable
{
    readonly OrtSession session;
    readonly OrtBinding binding;

    public BoundSession(OrtSession session, Dictionary<string, OrtTensor> inputs, Dictionary<string, OrtTensor> outputs)
    {
        this.session = session;
        binding = new OrtBinding(session);
        foreach ((string name, OrtTensor tensor) in inputs) binding.BindInput(name, tensor);
        foreach ((string name, OrtTensor tensor) in outputs) binding.BindOutput(name, tensor);
    }

    /// <summary>Runs once.</summary>
    public void Run() => binding.Run();

    public void Dispose()
    {
        binding.Dispose();
        session.Dispose();
    }
}
