using Google.Protobuf.Collections;

namespace OnnxEff.Ir.Onnx;

/// <summary>Reads a ModelProto. Takes what it understands out of the message; what remains is the rest.</summary>
internal sealed class ModelReader
{
    readonly TensorReader _tensors;
    readonly AttributeReader _attributes;

    public ModelReader(PayloadSource source)
    {
        _tensors = new TensorReader(source);
        _attributes = new AttributeReader(_tensors);
    }

    /// <summary>Reads the model.</summary>
    public Model Take(Wire.ModelProto proto)
    {
        var graph = new Graph(proto.Graph.Name);
        new GraphReader(_tensors, _attributes, graph, null).Take(proto.Graph);
        var model = new Model(graph)
        {
            IrVersion = proto.IrVersion,
            ProducerName = proto.ProducerName,
            ProducerVersion = proto.ProducerVersion,
            Domain = proto.Domain,
            ModelVersion = proto.ModelVersion,
            DocString = proto.DocString,
        };
        TakeOpsets(proto.OpsetImport, model.Opsets);
        GraphReader.Copy(proto.MetadataProps, model.Metadata);
        foreach (var function in proto.Functions)
            model.Functions.Add(TakeFunction(function));
        proto.Graph = null;
        proto.ClearIrVersion();
        proto.ClearProducerName();
        proto.ClearProducerVersion();
        proto.ClearDomain();
        proto.ClearModelVersion();
        proto.ClearDocString();
        proto.OpsetImport.Clear();
        proto.MetadataProps.Clear();
        proto.Functions.Clear();
        model.Rest = GraphReader.RestOf(proto);
        return model;
    }

    Function TakeFunction(Wire.FunctionProto proto)
    {
        var body = new Graph(proto.Name);
        var reader = new GraphReader(_tensors, _attributes, body, null);
        reader.Take(proto);
        var function = new Function(OnnxReader.Canonical(proto.Domain), proto.Name, body)
        {
            Overload = proto.Overload,
            DocString = proto.DocString,
        };
        function.AttributeNames.AddRange(proto.Attribute);
        foreach (var attribute in proto.AttributeProto)
        {
            var value = _attributes.Take(attribute, body, reader.Scope, $"Function '{proto.Name}'");
            if (!function.AttributeDefaults.TryAdd(attribute.Name, value))
                throw new InvalidModelException($"Function '{proto.Name}' has attribute '{attribute.Name}' twice; export the model again.");
        }
        TakeOpsets(proto.OpsetImport, function.Opsets);
        GraphReader.Copy(proto.MetadataProps, function.Metadata);
        proto.ClearName();
        proto.Input.Clear();
        proto.Output.Clear();
        proto.Attribute.Clear();
        proto.AttributeProto.Clear();
        proto.Node.Clear();
        proto.ClearDocString();
        proto.OpsetImport.Clear();
        proto.ClearDomain();
        proto.ValueInfo.Clear();
        proto.ClearOverload();
        proto.MetadataProps.Clear();
        function.Rest = GraphReader.RestOf(proto);
        return function;
    }

    static void TakeOpsets(RepeatedField<Wire.OperatorSetIdProto> imports, Dictionary<string, long> opsets)
    {
        foreach (var import in imports)
        {
            var domain = OnnxReader.Canonical(import.Domain);
            if (!opsets.TryAdd(domain, import.Version) && opsets[domain] != import.Version)
            {
                throw new InvalidModelException(
                    $"The model imports versions {opsets[domain]} and {import.Version} of the operators '{domain}'; export it again.");
            }
        }
    }
}
