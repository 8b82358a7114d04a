using Google.Protobuf;
using OnnxEff.Ir;
using Wire = OnnxEff.Ir.Onnx.Wire;

namespace OnnxEff.Tests.Ir;

/// <summary>A model in which nearly every part of the format occurs.</summary>
static class Everything
{
    public static Wire.ModelProto Model() => new()
    {
        IrVersion = 11,
        ProducerName = "p",
        ProducerVersion = "1",
        Domain = "d",
        ModelVersion = 3,
        DocString = "model",
        OpsetImport = { new Wire.OperatorSetIdProto { Domain = "", Version = 21 }, new Wire.OperatorSetIdProto { Domain = "f", Version = 1 } },
        MetadataProps = { Entry("k", "v") },
        Configuration = { new Wire.DeviceConfigurationProto { Name = "two", NumDevices = 2, Device = { "a", "b" } } },
        TrainingInfo = { new Wire.TrainingInfoProto { Initialization = new Wire.GraphProto { Name = "init" }, UpdateBinding = { Entry("w", "w2") } } },
        Functions = { Function() },
        Graph = Graph(),
    };

    static Wire.GraphProto Graph() => new()
    {
        Name = "g",
        DocString = "graph",
        MetadataProps = { Entry("gk", "gv") },
        Input = { Info("x", Dims("batch", "2*batch")), Info("cond", Dims(), ElementType.Bool), new Wire.ValueInfoProto { Name = "seq", Type = Sequence() } },
        Output = { Info("y", Dims("batch", "2*batch")) },
        ValueInfo = { Info("w", Dims("2")), Info("h", Dims("batch", "2*batch")), new Wire.ValueInfoProto { Name = "f", DocString = "no type" } },
        Initializer = { Floats("w", 1, 2), new Wire.TensorProto { Name = "s", DataType = 8, Dims = { 2 }, StringData = { ByteString.CopyFromUtf8("a"), ByteString.Empty } } },
        SparseInitializer = { new Wire.SparseTensorProto { Values = Floats("sparse", 1), Indices = new Wire.TensorProto { DataType = 7, Dims = { 1 }, Int64Data = { 3 } }, Dims = { 8 } } },
        QuantizationAnnotation = { new Wire.TensorAnnotation { TensorName = "w", QuantParameterTensorNames = { Entry("SCALE_TENSOR", "s") } } },
        Node =
        {
            new Wire.NodeProto
            {
                Name = "add",
                OpType = "Add",
                DocString = "node",
                Input = { "x", "w" },
                Output = { "h" },
                MetadataProps = { Entry("nk", "nv") },
                DeviceConfigurations = { new Wire.NodeDeviceConfigurationProto { ConfigurationId = "two", PipelineStage = 1,
                    ShardingSpec = { new Wire.ShardingSpecProto { TensorName = "x", Device = { 0, 1 } } } } },
            },
            new Wire.NodeProto { OpType = "Fun", Domain = "f", Overload = "o", Input = { "h", "", "sparse" }, Output = { "f", "" }, Attribute = { Attributes() } },
            new Wire.NodeProto { OpType = "If", Input = { "cond" }, Output = { "y" }, Attribute = { Branch("then_branch", "h"), Branch("else_branch", "f") } },
        },
    };

    static Wire.AttributeProto[] Attributes() =>
    [
        new() { Name = "f", Type = Kind.Float, F = 0, DocString = "zero" },
        new() { Name = "i", Type = Kind.Int, I = -1 },
        new() { Name = "s", Type = Kind.String, S = ByteString.CopyFrom(0xFF, 0x00) },
        new() { Name = "t", Type = Kind.Tensor, T = Floats("named", 4) },
        new() { Name = "fs", Type = Kind.Floats, Floats = { 1, float.NaN } },
        new() { Name = "is", Type = Kind.Ints, Ints = { 1, long.MinValue } },
        new() { Name = "ss", Type = Kind.Strings, Strings = { ByteString.CopyFromUtf8("a"), ByteString.Empty } },
        new() { Name = "ts", Type = Kind.Tensors, Tensors = { Floats("", 1), Floats("two", 2) } },
        new() { Name = "gs", Type = Kind.Graphs },
        new() { Name = "sp", Type = Kind.SparseTensor, SparseTensor = new Wire.SparseTensorProto { Dims = { 4 } } },
        new() { Name = "tp", Type = Kind.TypeProto, Tp = Sequence() },
    ];

    /// <summary>A branch that reads a value of the graph around it.</summary>
    static Wire.AttributeProto Branch(string name, string outer) => new()
    {
        Name = name,
        Type = Kind.Graph,
        G = new Wire.GraphProto
        {
            Name = name,
            Node = { new Wire.NodeProto { OpType = "Relu", Input = { outer }, Output = { "inner" } } },
            Output = { new Wire.ValueInfoProto { Name = "inner" } },
        },
    };

    static Wire.FunctionProto Function() => new()
    {
        Name = "Fun",
        Domain = "f",
        Overload = "o",
        DocString = "function",
        Input = { "a", "b", "c" },
        Output = { "r", "q" },
        Attribute = { "i" },
        AttributeProto = { new Wire.AttributeProto { Name = "alpha", Type = Kind.Float, F = 2 } },
        OpsetImport = { new Wire.OperatorSetIdProto { Domain = "", Version = 21 } },
        MetadataProps = { Entry("fk", "fv") },
        ValueInfo = { Info("r", Dims("n")) },
        Node =
        {
            new Wire.NodeProto { OpType = "LeakyRelu", Input = { "a" }, Output = { "r" },
                Attribute = { new Wire.AttributeProto { Name = "alpha", Type = Kind.Float, RefAttrName = "alpha" } } },
            new Wire.NodeProto { OpType = "Identity", Input = { "c" }, Output = { "q" } },
        },
    };

    static Wire.TensorProto Floats(string name, params float[] values)
    {
        var proto = new Wire.TensorProto { DataType = 1, Dims = { values.Length }, DocString = "tensor", MetadataProps = { Entry("tk", "tv") } };
        if (name.Length > 0)
            proto.Name = name;
        proto.RawData = ByteString.CopyFrom([.. values.SelectMany(BitConverter.GetBytes)]);
        return proto;
    }

    static Wire.TypeProto Sequence() => new() { SequenceType = new Wire.TypeProto.Types.Sequence { ElemType = Info("", Dims("n")).Type } };

    static Wire.ValueInfoProto Info(string name, Wire.TensorShapeProto shape, ElementType element = ElementType.Float32) => new()
    {
        Name = name,
        DocString = "value",
        MetadataProps = { Entry("vk", "vv") },
        Type = new Wire.TypeProto { Denotation = "TENSOR", TensorType = new Wire.TypeProto.Types.Tensor { ElemType = (int)element, Shape = shape } },
    };

    static Wire.TensorShapeProto Dims(params string[] names) =>
        new() { Dim = { names.Select(n => new Wire.TensorShapeProto.Types.Dimension { DimParam = n, Denotation = "DATA" }) } };

    static Wire.StringStringEntryProto Entry(string key, string value) => new() { Key = key, Value = value };

    static class Kind
    {
        public const Wire.AttributeProto.Types.AttributeType Float = Wire.AttributeProto.Types.AttributeType.Float,
            Int = Wire.AttributeProto.Types.AttributeType.Int,
            String = Wire.AttributeProto.Types.AttributeType.String,
            Tensor = Wire.AttributeProto.Types.AttributeType.Tensor,
            Graph = Wire.AttributeProto.Types.AttributeType.Graph,
            Floats = Wire.AttributeProto.Types.AttributeType.Floats,
            Ints = Wire.AttributeProto.Types.AttributeType.Ints,
            Strings = Wire.AttributeProto.Types.AttributeType.Strings,
            Tensors = Wire.AttributeProto.Types.AttributeType.Tensors,
            Graphs = Wire.AttributeProto.Types.AttributeType.Graphs,
            SparseTensor = Wire.AttributeProto.Types.AttributeType.SparseTensor,
            TypeProto = Wire.AttributeProto.Types.AttributeType.TypeProto;
    }
}
