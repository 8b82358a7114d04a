using Google.Protobuf;

namespace OnnxEff.Ir.Onnx;

/// <summary>Reads attributes. Takes what it understands out of the message; what remains is the rest.</summary>
internal sealed class AttributeReader(TensorReader tensors)
{
    /// <summary>Reads one attribute.</summary>
    /// <param name="proto">The message; loses its value, except for kinds that stay opaque.</param>
    /// <param name="graph">The graph around subgraphs.</param>
    /// <param name="scope">Names that subgraphs can see.</param>
    /// <param name="where">The node, to begin a sentence with.</param>
    public AttributeValue Take(Wire.AttributeProto proto, Graph graph, GraphScope scope, string where)
    {
        var type = KindOf(proto);
        if (proto.HasRefAttrName && proto.RefAttrName.Length > 0)
        {
            var reference = new ReferenceAttribute(proto.RefAttrName, (int)type);
            proto.ClearRefAttrName();
            proto.ClearType();
            return reference;
        }
        var inner = $"{where}, attribute '{proto.Name}',";
        AttributeValue value;
        switch (type)
        {
            case Wire.AttributeProto.Types.AttributeType.Float:
                value = new FloatAttribute(proto.F);
                proto.ClearF();
                break;
            case Wire.AttributeProto.Types.AttributeType.Int:
                value = new IntAttribute(proto.I);
                proto.ClearI();
                break;
            case Wire.AttributeProto.Types.AttributeType.String:
                value = new StringAttribute(proto.S.ToByteArray());
                proto.ClearS();
                break;
            case Wire.AttributeProto.Types.AttributeType.Tensor:
                // An absent message is a scalar of no type: reading it says so.
                value = new TensorAttribute(tensors.Take(proto.T ?? new Wire.TensorProto(), inner));
                proto.T = proto.T?.CalculateSize() > 0 ? proto.T : null;
                break;
            case Wire.AttributeProto.Types.AttributeType.Graph:
                value = new GraphAttribute(Subgraph(proto.G ?? new Wire.GraphProto(), graph, scope));
                proto.G = null;
                break;
            case Wire.AttributeProto.Types.AttributeType.Floats:
                value = new FloatsAttribute([.. proto.Floats]);
                proto.Floats.Clear();
                break;
            case Wire.AttributeProto.Types.AttributeType.Ints:
                value = new IntsAttribute([.. proto.Ints]);
                proto.Ints.Clear();
                break;
            case Wire.AttributeProto.Types.AttributeType.Strings:
                value = new StringsAttribute([.. proto.Strings.Select(s => s.ToByteArray())]);
                proto.Strings.Clear();
                break;
            case Wire.AttributeProto.Types.AttributeType.Tensors:
                value = new TensorsAttribute([.. proto.Tensors.Select(t => tensors.Take(t, inner))]);
                if (proto.Tensors.All(t => t.CalculateSize() == 0))
                    proto.Tensors.Clear();
                break;
            case Wire.AttributeProto.Types.AttributeType.Graphs:
                value = new GraphsAttribute([.. proto.Graphs.Select(g => Subgraph(g, graph, scope))]);
                proto.Graphs.Clear();
                break;
            case Wire.AttributeProto.Types.AttributeType.SparseTensor or Wire.AttributeProto.Types.AttributeType.SparseTensors
                or Wire.AttributeProto.Types.AttributeType.TypeProto or Wire.AttributeProto.Types.AttributeType.TypeProtos:
                return new OpaqueAttribute(proto.ToByteArray());
            default:
                throw new InvalidModelException($"{inner} has no value of a kind that is known; export the model again.");
        }
        proto.ClearType();
        return value;
    }

    Graph Subgraph(Wire.GraphProto proto, Graph parent, GraphScope scope)
    {
        var graph = new Graph(proto.Name, parent);
        new GraphReader(tensors, this, graph, scope).Take(proto);
        return graph;
    }

    /// <summary>The kind stated, or for files of the first format version the kind of the field that is there.</summary>
    static Wire.AttributeProto.Types.AttributeType KindOf(Wire.AttributeProto proto) =>
        proto.Type != Wire.AttributeProto.Types.AttributeType.Undefined ? proto.Type
        : proto.HasF ? Wire.AttributeProto.Types.AttributeType.Float
        : proto.HasI ? Wire.AttributeProto.Types.AttributeType.Int
        : proto.HasS ? Wire.AttributeProto.Types.AttributeType.String
        : proto.T is not null ? Wire.AttributeProto.Types.AttributeType.Tensor
        : proto.G is not null ? Wire.AttributeProto.Types.AttributeType.Graph
        : proto.Floats.Count > 0 ? Wire.AttributeProto.Types.AttributeType.Floats
        : proto.Ints.Count > 0 ? Wire.AttributeProto.Types.AttributeType.Ints
        : proto.Strings.Count > 0 ? Wire.AttributeProto.Types.AttributeType.Strings
        : proto.Tensors.Count > 0 ? Wire.AttributeProto.Types.AttributeType.Tensors
        : proto.Graphs.Count > 0 ? Wire.AttributeProto.Types.AttributeType.Graphs
        : Wire.AttributeProto.Types.AttributeType.Undefined;
}
