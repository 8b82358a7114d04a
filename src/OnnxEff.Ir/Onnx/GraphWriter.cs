using Google.Protobuf;
using Google.Protobuf.Collections;

namespace OnnxEff.Ir.Onnx;

/// <summary>Writes graphs into messages.</summary>
/// <param name="tensors">Writes tensors.</param>
/// <param name="names">The names of the values.</param>
/// <param name="dimTexts">How the file which was read spells dimensions.</param>
/// <param name="inFunction">True for a function's body, where runtimes do not look for external data.</param>
internal sealed class GraphWriter(
    TensorWriter tensors, ValueNames names, IReadOnlyDictionary<Dim, string> dimTexts, bool inFunction)
{
    /// <summary>Writes a graph.</summary>
    public Wire.GraphProto Write(Graph graph)
    {
        var proto = Wire.GraphProto.Parser.ParseFrom([.. graph.OpaqueFields.Values.SelectMany(v => v).SelectMany(b => b)]);
        proto.Name = graph.Name;
        if (graph.DocString.Length > 0)
            proto.DocString = graph.DocString;
        Copy(graph.Metadata, proto.MetadataProps);
        proto.Node.Add(graph.Nodes.Select(WriteNode));
        proto.Initializer.Add(graph.Initializers.Select(WriteInitializer));
        proto.Input.Add(graph.Inputs.Select(i => WriteInfo(i, $"Graph '{graph.Name}'")));
        proto.Output.Add(graph.Outputs.Select(o => WriteInfo(o, $"An output of graph '{graph.Name}'")));
        proto.ValueInfo.Add(WriteInfos(graph));
        return proto;
    }

    /// <summary>Writes the nodes of a function's body.</summary>
    public IEnumerable<Wire.NodeProto> WriteNodes(Graph graph) => graph.Nodes.Select(WriteNode);

    /// <summary>Writes what is known about the values; a graph's inputs and outputs are described elsewhere, a function's are not.</summary>
    public IEnumerable<Wire.ValueInfoProto> WriteInfos(Graph graph)
    {
        HashSet<Value> described = inFunction && graph.Parent is null ? [] : [.. graph.Inputs, .. graph.Outputs];
        return graph.Values.Concat(graph.OpaqueValues).Where(v => !described.Contains(v) && names.OfOutput(v).Length > 0 && SaysMore(v))
            .Select(v => WriteInfo(v, $"Graph '{graph.Name}'"));
    }

    /// <summary>Writes an attribute.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="value">Its value.</param>
    /// <param name="rest">A message with what the file said beside the value, or null.</param>
    /// <param name="mayBeExternal">True if a tensor in it may lie in the data file.</param>
    public Wire.AttributeProto WriteAttribute(string name, AttributeValue value, Wire.AttributeProto? rest, bool mayBeExternal = false)
    {
        if (value is OpaqueAttribute opaque)
            return Wire.AttributeProto.Parser.ParseFrom(opaque.AttributeProto);
        var proto = rest ?? new Wire.AttributeProto();
        proto.Name = name;
        switch (value)
        {
            case ReferenceAttribute a:
                proto.RefAttrName = a.Name;
                proto.Type = (Wire.AttributeProto.Types.AttributeType)a.Kind;
                break;
            case FloatAttribute a:
                proto.Type = Wire.AttributeProto.Types.AttributeType.Float;
                proto.F = a.Value;
                break;
            case IntAttribute a:
                proto.Type = Wire.AttributeProto.Types.AttributeType.Int;
                proto.I = a.Value;
                break;
            case StringAttribute a:
                proto.Type = Wire.AttributeProto.Types.AttributeType.String;
                proto.S = UnsafeByteOperations.UnsafeWrap(a.Bytes);
                break;
            case TensorAttribute a:
                proto.Type = Wire.AttributeProto.Types.AttributeType.Tensor;
                proto.T = tensors.Fill(a.Value, proto.T ?? new Wire.TensorProto(), mayBeExternal && !inFunction);
                break;
            case GraphAttribute a:
                proto.Type = Wire.AttributeProto.Types.AttributeType.Graph;
                proto.G = Write(a.Value);
                break;
            case FloatsAttribute a:
                proto.Type = Wire.AttributeProto.Types.AttributeType.Floats;
                proto.Floats.Add(a.Values);
                break;
            case IntsAttribute a:
                proto.Type = Wire.AttributeProto.Types.AttributeType.Ints;
                proto.Ints.Add(a.Values);
                break;
            case StringsAttribute a:
                proto.Type = Wire.AttributeProto.Types.AttributeType.Strings;
                proto.Strings.Add(a.Values.Select(s => UnsafeByteOperations.UnsafeWrap(s)));
                break;
            case TensorsAttribute a:
                proto.Type = Wire.AttributeProto.Types.AttributeType.Tensors;
                Wire.TensorProto[] rests = proto.Tensors.Count == a.Values.Length ? [.. proto.Tensors] : [];
                proto.Tensors.Clear();
                proto.Tensors.Add(a.Values.Select((t, i) => tensors.Fill(t, i < rests.Length ? rests[i] : new Wire.TensorProto(), false)));
                break;
            case GraphsAttribute a:
                proto.Type = Wire.AttributeProto.Types.AttributeType.Graphs;
                proto.Graphs.Add(a.Values.Select(Write));
                break;
            default:
                throw new InvalidGraphException($"Attribute '{name}' is a {value.GetType().Name}, which ONNX cannot hold.");
        }
        return proto;
    }

    /// <summary>Copies string pairs.</summary>
    public static void Copy(Dictionary<string, string> from, RepeatedField<Wire.StringStringEntryProto> to) =>
        to.Add(from.Select(e => new Wire.StringStringEntryProto { Key = e.Key, Value = e.Value }));

    Wire.NodeProto WriteNode(Node node)
    {
        var proto = node.Rest is null ? new Wire.NodeProto() : Wire.NodeProto.Parser.ParseFrom(node.Rest);
        var rests = proto.Attribute.ToDictionary(a => a.Name);
        proto.Attribute.Clear();
        var where = $"Node '{node.Name}' ({node.OpType})";
        proto.Input.Add(node.Inputs.Select(i => names.Of(i, where)));
        proto.Output.Add(node.Outputs.Select(names.OfOutput));
        proto.OpType = node.OpType;
        if (node.Name.Length > 0)
            proto.Name = node.Name;
        if (node.Domain.Length > 0)
            proto.Domain = node.Domain;
        if (node.Overload.Length > 0)
            proto.Overload = node.Overload;
        if (node.DocString.Length > 0)
            proto.DocString = node.DocString;
        Copy(node.Metadata, proto.MetadataProps);
        proto.Attribute.Add(node.Attributes.Select(a =>
            WriteAttribute(a.Key, a.Value, rests.GetValueOrDefault(a.Key), mayBeExternal: node.Is("Constant"))));
        return proto;
    }

    Wire.TensorProto WriteInitializer(Value value)
    {
        var proto = Wire.TensorProto.Parser.ParseFrom(value.Source?.Initializer ?? []);
        proto.Name = names.Of(value, "The graph");
        if (!value.IsInput)
        {
            if (value.DocString.Length > 0)
                proto.DocString = value.DocString;
            Copy(value.Metadata, proto.MetadataProps);
        }
        return tensors.Fill(value.Initializer!, proto, mayBeExternal: !inFunction);
    }

    static bool SaysMore(Value value) => value.Source?.Info is not null
        || (value.Initializer is null && (value.Type is not null || value.OtherType is not null
            || value.DocString.Length > 0 || value.Metadata.Count > 0));

    Wire.ValueInfoProto WriteInfo(Value value, string reader)
    {
        var isPlain = value.Initializer is null || value.IsInput; // An initializer's text belongs to its tensor.
        var type = isPlain ? value.Type : value.Initializer!.Type;
        var proto = value.Source?.Info?.Clone() ?? new Wire.ValueInfoProto();
        proto.Name = names.Of(value, reader);
        if (value.Source?.Info is null || type != value.Source.Type)
            proto.Type = type is null ? null : TypeCodec.Write(type, dimTexts);
        if (type is null && value.OtherType is { } other)
            proto.Type = Wire.TypeProto.Parser.ParseFrom(other);
        if (!isPlain)
            return proto;
        proto.ClearDocString();
        if (value.DocString.Length > 0)
            proto.DocString = value.DocString;
        proto.MetadataProps.Clear();
        Copy(value.Metadata, proto.MetadataProps);
        return proto;
    }
}
