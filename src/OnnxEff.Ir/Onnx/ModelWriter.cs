using Google.Protobuf.Collections;

namespace OnnxEff.Ir.Onnx;

/// <summary>Writes a model into a message.</summary>
internal static class ModelWriter
{
    /// <summary>Sorts the graphs and writes everything; payloads go where <paramref name="tensors"/> decides.</summary>
    public static Wire.ModelProto Write(Model model, TensorWriter tensors)
    {
        var texts = DimTexts(model);
        var proto = Wire.ModelProto.Parser.ParseFrom(model.Rest ?? []);
        proto.IrVersion = model.IrVersion;
        if (model.ProducerName.Length > 0)
            proto.ProducerName = model.ProducerName;
        if (model.ProducerVersion.Length > 0)
            proto.ProducerVersion = model.ProducerVersion;
        if (model.Domain.Length > 0)
            proto.Domain = model.Domain;
        if (model.ModelVersion != 0)
            proto.ModelVersion = model.ModelVersion;
        if (model.DocString.Length > 0)
            proto.DocString = model.DocString;
        Write(model.Opsets, proto.OpsetImport);
        GraphWriter.Copy(model.Metadata, proto.MetadataProps);
        model.Graph.Sort();
        proto.Graph = new GraphWriter(tensors, new ValueNames(model.Graph), texts, inFunction: false).Write(model.Graph);
        proto.Functions.Add(model.Functions.Select(f => Write(f, tensors, texts)));
        return proto;
    }

    static Wire.FunctionProto Write(Function function, TensorWriter tensors, IReadOnlyDictionary<Dim, string> texts)
    {
        if (function.Body.Initializers.Count > 0)
        {
            throw new InvalidGraphException(
                $"Function '{function.Name}' has initializers, which ONNX functions cannot; make them Constant nodes.");
        }
        function.Body.Sort();
        var names = new ValueNames(function.Body);
        var graphs = new GraphWriter(tensors, names, texts, inFunction: true);
        var proto = Wire.FunctionProto.Parser.ParseFrom(function.Rest ?? []);
        proto.Name = function.Name;
        if (function.Domain.Length > 0)
            proto.Domain = function.Domain;
        if (function.Overload.Length > 0)
            proto.Overload = function.Overload;
        if (function.DocString.Length > 0)
            proto.DocString = function.DocString;
        proto.Input.Add(function.Body.Inputs.Select(names.OfOutput));
        proto.Output.Add(function.Body.Outputs.Select(o => names.Of(o, $"Function '{function.Name}'")));
        proto.Node.Add(graphs.WriteNodes(function.Body));
        proto.ValueInfo.Add(graphs.WriteInfos(function.Body));
        proto.Attribute.Add(function.AttributeNames);
        proto.AttributeProto.Add(function.AttributeDefaults.Select(a => graphs.WriteAttribute(a.Key, a.Value, null)));
        Write(function.Opsets, proto.OpsetImport);
        GraphWriter.Copy(function.Metadata, proto.MetadataProps);
        return proto;
    }

    static void Write(Dictionary<string, long> opsets, RepeatedField<Wire.OperatorSetIdProto> to) =>
        to.Add(opsets.Select(o => new Wire.OperatorSetIdProto { Domain = o.Key, Version = o.Value }));

    /// <summary>How the file which was read spells each symbolic dimension.</summary>
    static Dictionary<Dim, string> DimTexts(Model model)
    {
        var texts = new Dictionary<Dim, string>();
        foreach (var source in model.AllGraphs.SelectMany(g => g.Values).Select(v => v.Source))
        {
            if (source?.Type?.Shape is not { } shape || source.Info?.Type?.TensorType?.Shape is not { } proto || proto.Dim.Count != shape.Rank)
                continue;
            for (var axis = 0; axis < shape.Rank; axis++)
            {
                if (proto.Dim[axis].HasDimParam && !shape[axis].IsConstant)
                    texts.TryAdd(shape[axis], proto.Dim[axis].DimParam);
            }
        }
        return texts;
    }
}
