using Google.Protobuf;
using OnnxEff.Ir;
using OnnxEff.Ir.Onnx;
using OnnxEff.Tests.Testing;
using Xunit;
using Wire = OnnxEff.Ir.Onnx.Wire;

namespace OnnxEff.Tests.Ir;

public class RoundTripTests
{
    public static TheoryData<string> Fixture => [.. Directory.EnumerateFiles(Fixtures.Of(), "*.onnx", SearchOption.AllDirectories)
        .Select(f => Path.GetRelativePath(Fixtures.Of(), f)).Order(StringComparer.Ordinal)];

    public static TheoryData<string> Matrix => [.. Fixtures.SharedFiles("*.onnx", "matrix")];

    public static TheoryData<string> Conformance => [.. Fixtures.SharedFiles("*.onnx", "conformance")];

    [Theory, MemberData(nameof(Fixture))]
    public void A_real_export_survives(string file) => AssertSurvives(Fixtures.Of(file));

    [Theory, MemberData(nameof(Matrix))]
    public void Every_export_of_the_matrix_survives(string file) => AssertSurvives(Fixtures.SharedModels(file));

    [Theory, MemberData(nameof(Conformance))]
    public void Every_conformance_case_survives(string file) => AssertSurvives(Fixtures.SharedModels(file));

    [Theory]
    [InlineData(ExternalData.Always)]
    [InlineData(ExternalData.Never)]
    public void The_place_of_the_data_changes_nothing_else(ExternalData place)
    {
        using var folder = new TempFolder();
        var model = OnnxReader.Load(Fixtures.Of("llama--optimum", "model.onnx"));
        OnnxWriter.Save(model, folder["copy.onnx"], new SaveOptions { ExternalData = place });
        Assert.Equal(place == ExternalData.Always, File.Exists(folder["copy.onnx.data"]));
        ModelEquality.AssertSame(model, OnnxReader.Load(folder["copy.onnx"]));
    }

    [Fact]
    public void External_tensors_lie_at_multiples_of_64_KiB_so_that_they_can_be_mapped()
    {
        using var folder = new TempFolder();
        var model = OnnxReader.Load(Fixtures.Of("llama--optimum", "model.onnx"));
        OnnxWriter.Save(model, folder["copy.onnx"], new SaveOptions { ExternalData = ExternalData.Always });
        var copy = OnnxReader.Load(folder["copy.onnx"]);
        var external = copy.Graph.Initializers.Select(i => i.Initializer!.Data)
            .Where(d => d.File?.Path.EndsWith(".data", StringComparison.Ordinal) == true).ToArray();
        Assert.NotEmpty(external);
        Assert.All(external, d => Assert.Equal(0, d.File!.Offset % 65536));
        Assert.All(external, d => Assert.True(d.Length >= 4096));
    }

    [Fact]
    public void Tied_initializers_stay_one_memory_and_are_stored_once()
    {
        using var folder = new TempFolder();
        var shared = Tensor.Create<float>([64, 64], new float[4096]);
        var graph = new Graph("g");
        var sum = graph.AddNode("Add", "", [graph.AddInitializer("a", shared), graph.AddInitializer("b", shared)]).AddOutput("sum");
        graph.Outputs.Add(sum);
        OnnxWriter.Save(new Model(graph), folder["m.onnx"], new SaveOptions { ExternalData = ExternalData.Always });
        Assert.Equal(16384, new FileInfo(folder["m.onnx.data"]).Length);
        var tensors = OnnxReader.Load(folder["m.onnx"]).Graph.Initializers.Select(i => i.Initializer!).ToArray();
        Assert.Same(tensors[0], tensors[1]);
    }

    [Fact]
    public void Data_in_many_files_is_found_and_written_as_one()
    {
        using var folder = new TempFolder();
        var proto = new Wire.ModelProto { IrVersion = 8, Graph = new Wire.GraphProto { Name = "g" } };
        for (var i = 0; i < 5; i++)
        {
            File.WriteAllBytes(folder[$"part{i}"], [.. Enumerable.Range(0, 8192).Select(b => (byte)(b + i))]);
            proto.Graph.Initializer.Add(new Wire.TensorProto
            {
                Name = $"w{i}",
                DataType = (int)ElementType.UInt8,
                Dims = { 4096 },
                DataLocation = Wire.TensorProto.Types.DataLocation.External,
                ExternalData = { Entry("location", $"part{i}"), Entry("offset", "100") },
            });
            proto.Graph.Output.Add(new Wire.ValueInfoProto { Name = $"w{i}" });
        }
        File.WriteAllBytes(folder["m.onnx"], proto.ToByteArray());
        var model = OnnxReader.Load(folder["m.onnx"]);
        OnnxWriter.Save(model, folder["copy.onnx"]);
        var copy = OnnxReader.Load(folder["copy.onnx"]);
        ModelEquality.AssertSame(model, copy);
        Assert.Equal((byte)103, copy.Graph.Outputs[3].Initializer!.Data.Span[0]);
        Assert.Single(copy.Graph.Initializers.Select(i => i.Initializer!.Data.File!.Path).Distinct());
    }

    [Fact]
    public void Everything_that_this_library_does_not_look_into_survives()
    {
        var proto = Everything.Model();
        proto.MergeFrom(new byte[] { 0xC2, 0x3E, 0x02, 0x68, 0x69 }); // Field 1000, unknown to all.
        var bytes = OnnxWriter.ToBytes(OnnxReader.Parse(proto.ToByteArray()));
        Assert.Equal(proto, Wire.ModelProto.Parser.ParseFrom(bytes));
    }

    [Fact]
    public void A_dimension_without_a_name_gets_a_symbol_that_is_not_written()
    {
        var proto = new Wire.ModelProto { IrVersion = 8, Graph = new Wire.GraphProto { Name = "g" } };
        var shape = new Wire.TensorShapeProto { Dim = { new Wire.TensorShapeProto.Types.Dimension(), new Wire.TensorShapeProto.Types.Dimension { DimParam = "batch" } } };
        var info = new Wire.ValueInfoProto { Name = "x", Type = new Wire.TypeProto { TensorType = new Wire.TypeProto.Types.Tensor { ElemType = 1, Shape = shape } } };
        proto.Graph.Input.Add(info);
        proto.Graph.Output.Add(info);
        var model = OnnxReader.Parse(proto.ToByteArray());
        Assert.False(model.Graph.Inputs[0].Type!.Shape![0].IsConstant);
        model.Graph.Inputs[0].Type = model.Graph.Inputs[0].Type! with { Element = ElementType.Float16 };
        var written = Wire.ModelProto.Parser.ParseFrom(OnnxWriter.ToBytes(model)).Graph.Input[0].Type.TensorType;
        Assert.Equal((10, shape), (written.ElemType, written.Shape));
    }

    [Fact]
    public void Arithmetic_in_a_dimension_is_understood_and_written_as_it_was()
    {
        var model = OnnxReader.Load(Fixtures.Of("llama--optimum", "model.onnx"));
        var mask = model.Graph.Inputs.Single(i => i.Name == "attention_mask");
        Assert.Equal(Dim.Symbol("past_sequence_length") + Dim.Symbol("sequence_length"), mask.Type!.Shape![1]);
        mask.Type = mask.Type with { Element = ElementType.Int32 };
        var written = Wire.ModelProto.Parser.ParseFrom(OnnxWriter.ToBytes(model)).Graph.Input.Single(i => i.Name == "attention_mask");
        Assert.Equal("past_sequence_length + sequence_length", written.Type.TensorType.Shape.Dim[1].DimParam);
    }

    [Fact]
    public void Values_without_a_name_or_with_one_that_is_taken_get_their_own()
    {
        var graph = new Graph("g");
        var x = graph.AddInput("x", new TensorType(ElementType.Float32, TensorShape.Of(2)));
        var unnamed = graph.AddNode("Abs", "", [x]).AddOutput("");
        var taken = graph.AddNode("Neg", "", [unnamed]).AddOutput("x");
        graph.Outputs.Add(graph.AddNode("Exp", "", [taken]).AddOutput("y"));
        var copy = OnnxReader.Parse(OnnxWriter.ToBytes(new Model(graph)));
        Assert.Equal(["Abs_1", "x_1", "y"], copy.Graph.Nodes.Select(n => n.Result.Name));
    }

    [Fact]
    public void Nodes_are_written_in_topological_order()
    {
        var graph = new Graph("g");
        var late = graph.AddNode("Neg", "", []);
        late.SetInput(0, graph.AddNode("Abs", "", [graph.AddInput("x")]).AddOutput("a"));
        graph.Outputs.Add(late.AddOutput("y"));
        var copy = Wire.ModelProto.Parser.ParseFrom(OnnxWriter.ToBytes(new Model(graph)));
        Assert.Equal(["Abs", "Neg"], copy.Graph.Node.Select(n => n.OpType));
    }

    static Wire.StringStringEntryProto Entry(string key, string value) => new() { Key = key, Value = value };

    static void AssertSurvives(string path)
    {
        using var folder = new TempFolder();
        var model = OnnxReader.Load(path);
        OnnxWriter.Save(model, folder["copy.onnx"]);
        ModelEquality.AssertSame(model, OnnxReader.Load(folder["copy.onnx"]));
    }
}
