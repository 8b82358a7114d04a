using Google.Protobuf;
using Google.Protobuf.Collections;

namespace OnnxEff.Ir.Onnx;

/// <summary>
/// Reads one graph or function body. Takes what it understands out of the messages; what remains is kept, serialized, so
/// that nothing of the file is lost.
/// </summary>
internal sealed class GraphReader(TensorReader tensors, AttributeReader attributes, Graph graph, GraphScope? outer)
{
    readonly GraphScope _scope = new(outer);

    /// <summary>Reads the whole graph.</summary>
    public void Take(Wire.GraphProto proto)
    {
        foreach (var input in proto.Input)
            Describe(AddInput(input.Name), input);
        foreach (var initializer in proto.Initializer)
            TakeInitializer(initializer);
        foreach (var sparse in proto.SparseInitializer)
            graph.OpaqueValues.Add(Name(new Value(graph, sparse.Values?.Name ?? ""), "Sparse initializer"));
        TakeNodes(proto.Node);
        foreach (var output in proto.Output)
            Describe(AddOutput(output.Name), output);
        TakeInfo(proto.ValueInfo);
        SortIfNeeded();
        graph.DocString = proto.DocString;
        Copy(proto.MetadataProps, graph.Metadata);
        KeepRest(proto);
    }

    /// <summary>Reads the body of a function.</summary>
    public void Take(Wire.FunctionProto proto)
    {
        foreach (var input in proto.Input)
            AddInput(input);
        TakeNodes(proto.Node);
        foreach (var output in proto.Output)
            AddOutput(output);
        TakeInfo(proto.ValueInfo);
        SortIfNeeded();
    }

    /// <summary>The scope, for attribute values beside the nodes.</summary>
    public GraphScope Scope => _scope;

    /// <summary>Copies string pairs.</summary>
    public static void Copy(RepeatedField<Wire.StringStringEntryProto> entries, Dictionary<string, string> to)
    {
        foreach (var entry in entries)
            to[entry.Key] = entry.Value;
    }

    /// <summary>The serialized message, or null if nothing is left in it.</summary>
    public static byte[]? RestOf(IMessage proto) => proto.CalculateSize() == 0 ? null : proto.ToByteArray();

    Value AddInput(string name) => Name(graph.AddInput(name), "Input");

    Value Name(Value value, string what)
    {
        if (value.Name.Length == 0)
            throw new InvalidModelException($"{what} of graph '{graph.Name}' has no name; export the model again.");
        if (!_scope.TryAdd(value))
            throw new InvalidModelException($"{what} '{value.Name}' of graph '{graph.Name}' has a name that another value has; give each its own.");
        graph.ReserveName(value.Name);
        return value;
    }

    Value AddOutput(string name)
    {
        var value = _scope.Find(name) ?? throw new InvalidModelException(
            $"Output '{name}' of graph '{graph.Name}' is produced by nothing; export the model again.");
        graph.Outputs.Add(value);
        return value;
    }

    void TakeInitializer(Wire.TensorProto proto)
    {
        var name = proto.Name;
        var tensor = tensors.Take(proto, $"Initializer '{name}'");
        proto.ClearName();
        if (!_scope.TryGetOwn(name, out var value) || !value.IsInput)
            value = Name(new Value(graph, name) { Type = tensor.Type }, "Initializer");
        else if (value.Initializer is not null)
            throw new InvalidModelException($"Initializer '{name}' of graph '{graph.Name}' is there twice; give each its own name.");
        if (!value.IsInput)
        {
            value.DocString = proto.DocString;
            Copy(proto.MetadataProps, value.Metadata);
            proto.ClearDocString();
            proto.MetadataProps.Clear();
        }
        graph.AddInitializer(value, tensor);
        if (RestOf(proto) is { } rest)
            value.Source = new ValueSource(value.Source?.Info, value.Source?.Type, rest);
    }

    void TakeNodes(RepeatedField<Wire.NodeProto> protos)
    {
        var nodes = new Node[protos.Count]; // Outputs first: nodes may come in any order, and subgraphs see all names.
        for (var i = 0; i < nodes.Length; i++)
        {
            var proto = protos[i];
            if (proto.OpType.Length == 0 || proto.Output.Count == 0)
            {
                throw new InvalidModelException(
                    $"Node '{proto.Name}' ({proto.OpType}) of graph '{graph.Name}' has no operator or no output; export the model again.");
            }
            nodes[i] = graph.AddNode(proto.OpType, OnnxReader.Canonical(proto.Domain), []);
            nodes[i].Name = proto.Name;
            nodes[i].Overload = proto.Overload;
            nodes[i].DocString = proto.DocString;
            Copy(proto.MetadataProps, nodes[i].Metadata);
            foreach (var output in proto.Output)
            {
                var value = nodes[i].AddOutput(output);
                if (output.Length > 0)
                    Name(value, $"{Where(nodes[i])}, output");
            }
        }
        for (var i = 0; i < nodes.Length; i++)
            Connect(nodes[i], protos[i]);
    }

    void Connect(Node node, Wire.NodeProto proto)
    {
        for (var i = 0; i < proto.Input.Count; i++)
        {
            node.SetInput(i, proto.Input[i].Length == 0 ? null : _scope.Find(proto.Input[i]) ?? throw new InvalidModelException(
                $"{Where(node)} reads '{proto.Input[i]}', which nothing produces; export the model again."));
        }
        var rests = new List<Wire.AttributeProto>();
        foreach (var attribute in proto.Attribute)
        {
            if (node.Attributes.ContainsKey(attribute.Name))
                throw new InvalidModelException($"{Where(node)} has attribute '{attribute.Name}' twice; export the model again.");
            var value = attributes.Take(attribute, graph, _scope, Where(node));
            node.SetAttribute(attribute.Name, value);
            if (value is not OpaqueAttribute && HasMoreThanName(attribute))
                rests.Add(attribute);
        }
        proto.Input.Clear();
        proto.Output.Clear();
        proto.ClearName();
        proto.ClearOpType();
        proto.ClearDomain();
        proto.ClearOverload();
        proto.ClearDocString();
        proto.MetadataProps.Clear();
        proto.Attribute.Clear();
        proto.Attribute.Add(rests);
        node.Rest = RestOf(proto);
    }

    static bool HasMoreThanName(Wire.AttributeProto proto) =>
        proto.CalculateSize() > new Wire.AttributeProto { Name = proto.Name }.CalculateSize();

    void TakeInfo(RepeatedField<Wire.ValueInfoProto> infos)
    {
        foreach (var info in infos)
        {
            if (_scope.TryGetOwn(info.Name, out var value)) // An entry for a value that is not there says nothing.
                Describe(value, info);
        }
    }

    static void Describe(Value value, Wire.ValueInfoProto info)
    {
        if (value.Source?.Info is not null)
            return;
        if (value.Initializer is null || value.IsInput)
        {
            if (info.Type?.TensorType is { } tensor)
                value.Type = TypeCodec.Read(tensor, value.Name);
            else if (info.Type is { ValueCase: not Wire.TypeProto.ValueOneofCase.None })
                value.OtherType = info.Type.ToByteArray();
            value.DocString = info.DocString;
            Copy(info.MetadataProps, value.Metadata);
        }
        value.Source = new ValueSource(info, value.Type, value.Source?.Initializer);
    }

    void SortIfNeeded()
    {
        var position = new Dictionary<Node, int>(graph.Nodes.Count);
        foreach (var node in graph.Nodes)
            position.Add(node, position.Count);
        if (graph.Nodes.All(n => Graph.Reads(n).All(v => v.Producer is null || !ReferenceEquals(v.Graph, graph)
            || position[v.Producer] < position[n])))
        {
            return;
        }
        try
        {
            graph.Sort();
        }
        catch (InvalidGraphException e)
        {
            throw new InvalidModelException($"{e.Message} Export the model again.", e);
        }
    }

    void KeepRest(Wire.GraphProto proto)
    {
        proto.Node.Clear();
        proto.ClearName();
        proto.Initializer.Clear();
        proto.ClearDocString();
        proto.Input.Clear();
        proto.Output.Clear();
        proto.ValueInfo.Clear();
        proto.MetadataProps.Clear();
        if (RestOf(proto) is not { } rest)
            return;
        for (var at = 0; at < rest.Length;)
        {
            var start = at;
            var field = WireField.Read(rest, ref at, rest.Length);
            if (!graph.OpaqueFields.TryGetValue(field.Number, out var list))
                graph.OpaqueFields[field.Number] = list = [];
            list.Add(rest[start..at]);
        }
    }

    static string Where(Node node) => node.Name.Length > 0 || node.Outputs.Count == 0 ? $"Node '{node.Name}' ({node.OpType})"
        : $"The node of '{node.Outputs[0].Name}' ({node.OpType})";
}
