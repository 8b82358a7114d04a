using System.Text;
using Google.Protobuf;
using OnnxEff.Ir.Onnx;
using OnnxEff.Tests.Testing;
using Xunit;
using Wire = OnnxEff.Ir.Onnx.Wire;

namespace OnnxEff.Tests.Ir;

public class HostileFileTests
{
    static byte[] Llama => File.ReadAllBytes(Fixtures.Of("llama--genai-int4", "model.onnx"));

    [Theory]
    [InlineData("")]
    [InlineData("PK\u0003\u0004 and more")]
    [InlineData("{\"architectures\": []}")]
    [InlineData("version https://git-lfs.github.com/spec/v1")]
    [InlineData("    ORTM and more")]
    [InlineData("Plain text, of some length, which is no model.")]
    public void What_is_no_model_is_refused(string content) => Refuses(Encoding.UTF8.GetBytes(content), "");

    [Fact]
    public void A_truncated_file_is_refused() => Refuses(Llama[..100_000], "truncated");

    [Fact]
    public void A_model_without_a_graph_is_refused() =>
        Refuses(new Wire.ModelProto { IrVersion = 8 }.ToByteArray(), "no graph");

    [Fact]
    public void A_cycle_is_refused() => Refuses(Graph(g =>
    {
        g.Node.Add(new Wire.NodeProto { OpType = "Abs", Input = { "b" }, Output = { "a" } });
        g.Node.Add(new Wire.NodeProto { OpType = "Abs", Input = { "a" }, Output = { "b" } });
    }), "cycle");

    [Fact]
    public void Two_values_of_one_name_are_refused() => Refuses(Graph(g =>
    {
        g.Node.Add(new Wire.NodeProto { OpType = "Abs", Input = { "" }, Output = { "a" } });
        g.Node.Add(new Wire.NodeProto { OpType = "Abs", Input = { "" }, Output = { "a" } });
    }), "'a'");

    [Fact]
    public void An_input_that_nothing_produces_is_refused() =>
        Refuses(Graph(g => g.Node.Add(new Wire.NodeProto { Name = "n", OpType = "Abs", Input = { "lost" }, Output = { "a" } })), "'n' (Abs) reads 'lost'");

    [Fact]
    public void An_output_that_nothing_produces_is_refused() =>
        Refuses(Graph(g => g.Output.Add(new Wire.ValueInfoProto { Name = "lost" })), "'lost'");

    [Theory]
    [InlineData(new long[] { long.MaxValue, long.MaxValue })]
    [InlineData(new long[] { 1L << 40, 1L << 40 })]
    [InlineData(new long[] { -1 })]
    [InlineData(new long[] { 1L << 50 })]
    [InlineData(new long[] { 3 })]
    public void Dimensions_that_the_payload_does_not_fill_are_refused(long[] dims) =>
        Refuses(Initializer(new Wire.TensorProto { DataType = 1, Dims = { dims }, RawData = ByteString.CopyFrom(new byte[16]) }), "'w'");

    [Fact]
    public void An_unknown_element_type_is_refused() =>
        Refuses(Initializer(new Wire.TensorProto { DataType = 99, RawData = ByteString.CopyFrom(new byte[16]) }), "element type 99");

    [Fact]
    public void Strings_in_raw_data_are_refused() =>
        Refuses(Initializer(new Wire.TensorProto { DataType = 8, Dims = { 1 }, RawData = ByteString.CopyFrom(1) }), "strings");

    [Fact]
    public void A_payload_number_in_a_file_is_refused() =>
        Refuses(Initializer(new Wire.TensorProto { DataType = 2, Dims = { 1 }, MappedPayload = 7 }), "no part of ONNX");

    [Fact]
    public void Deep_subgraphs_are_refused()
    {
        var inner = new Wire.GraphProto { Name = "inner" };
        for (var depth = 0; depth < 200; depth++)
        {
            inner = new Wire.GraphProto
            {
                Node = { new Wire.NodeProto { OpType = "If", Output = { "y" }, Attribute = {
                    new Wire.AttributeProto { Name = "then_branch", Type = Wire.AttributeProto.Types.AttributeType.Graph, G = inner } } } },
            };
        }
        Refuses(new Wire.ModelProto { Graph = inner }.ToByteArray(), "");
    }

    [Theory]
    [InlineData("(a + b) * (c + d) * (e + f) * (g + h) * (i + j) * (k + l) * (m + n) * (o + p) * (q + r) * (s + t) * (u + v) * (w + x)")]
    [InlineData("9223372036854775807 * 9223372036854775807")]
    [InlineData("((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((a")]
    [InlineData("a // 0")]
    public void A_dimension_that_is_too_much_arithmetic_is_only_a_name(string text)
    {
        var model = OnnxReader.Parse(Graph(g => g.Input.Add(new Wire.ValueInfoProto
        {
            Name = "x",
            Type = new Wire.TypeProto
            {
                TensorType = new Wire.TypeProto.Types.Tensor
                {
                    ElemType = 1,
                    Shape = new Wire.TensorShapeProto { Dim = { new Wire.TensorShapeProto.Types.Dimension { DimParam = text } } }
                }
            },
        })));
        Assert.False(model.Graph.Inputs[0].Type!.Shape![0].IsConstant);
    }

    [Theory]
    [InlineData("../secret", null, null, "outside")]
    [InlineData("sub/../../secret", null, null, "outside")]
    [InlineData("/etc/passwd", null, null, "outside")]
    [InlineData("C:\\secret", null, null, "outside")]
    [InlineData("link", null, null, "link")]
    [InlineData("missing", null, null, "put the file there")]
    [InlineData("", null, null, "location")]
    [InlineData("data", "1", null, "copy or export")]
    [InlineData("data", "-1", null, "no size")]
    [InlineData("data", "9223372036854775807", null, "copy or export")]
    [InlineData("data", "99999999999999999999", null, "no size")]
    [InlineData("data", null, "17", "states 17")]
    public void External_data_that_is_not_there_is_refused(string location, string? offset, string? length, string sentence)
    {
        using var folder = new TempFolder();
        using var outside = new TempFolder();
        File.WriteAllBytes(folder["data"], new byte[16]);
        File.WriteAllBytes(outside["secret"], new byte[16]);
        File.CreateSymbolicLink(folder["link"], outside["secret"]);
        File.WriteAllBytes(folder["m.onnx"], Initializer(External(location, offset, length)));
        var refusal = Assert.Throws<InvalidModelException>(() => OnnxReader.Load(folder["m.onnx"]));
        Assert.Contains(sentence, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_links_of_a_hugging_face_cache_are_followed()
    {
        using var cache = new TempFolder();
        var blobs = Directory.CreateDirectory(cache["blobs"]).FullName;
        var snapshot = Directory.CreateDirectory(cache["snapshots/x/onnx"]).FullName;
        File.WriteAllBytes(Path.Combine(blobs, "abc"), Initializer(External("model.onnx.data", null, null)));
        File.WriteAllBytes(Path.Combine(blobs, "def"), new byte[16]);
        File.CreateSymbolicLink(Path.Combine(snapshot, "model.onnx"), "../../../blobs/abc");
        File.CreateSymbolicLink(Path.Combine(snapshot, "model.onnx.data"), "../../../blobs/def");
        Assert.Single(OnnxReader.Load(Path.Combine(snapshot, "model.onnx")).Graph.Initializers);
    }

    [Fact]
    public void A_missing_file_is_an_IO_error() =>
        Assert.Contains("nowhere.onnx", Assert.Throws<FileNotFoundException>(() => OnnxReader.Load(Fixtures.Of("nowhere.onnx"))).Message, StringComparison.Ordinal);

    [Fact]
    public void A_folder_is_an_IO_error() => Assert.Throws<IOException>(() => OnnxReader.Load(Path.GetTempPath()));

    [Fact]
    public void Mutated_files_are_read_or_refused_with_a_sentence()
    {
        var random = new Random(20240607);
        var original = Llama;
        for (var i = 0; i < 2000; i++)
        {
            var bytes = random.Next(4) == 0 ? original[..random.Next(original.Length)] : (byte[])original.Clone();
            for (var change = random.Next(1, 8); change > 0 && bytes.Length > 0; change--)
                bytes[random.Next(bytes.Length)] = random.Next(3) == 0 ? (byte)0xFF : (byte)random.Next(256);
            try
            {
                OnnxWriter.ToBytes(OnnxReader.Parse(bytes));
            }
            catch (InvalidModelException e)
            {
                Assert.EndsWith(".", e.Message, StringComparison.Ordinal);
            }
        }
    }

    static void Refuses(byte[] bytes, string sentence) => Assert.Contains(sentence,
        Assert.Throws<InvalidModelException>(() => OnnxReader.Parse(bytes)).Message, StringComparison.Ordinal);

    static byte[] Graph(Action<Wire.GraphProto> fill)
    {
        var proto = new Wire.ModelProto { IrVersion = 8, Graph = new Wire.GraphProto { Name = "g" } };
        fill(proto.Graph);
        return proto.ToByteArray();
    }

    static byte[] Initializer(Wire.TensorProto tensor)
    {
        tensor.Name = "w";
        return Graph(g => g.Initializer.Add(tensor));
    }

    static Wire.TensorProto External(string location, string? offset, string? length)
    {
        var proto = new Wire.TensorProto { DataType = 1, Dims = { 4 }, DataLocation = Wire.TensorProto.Types.DataLocation.External };
        foreach (var (key, value) in new[] { ("location", location), ("offset", offset), ("length", length) })
        {
            if (value is not null)
                proto.ExternalData.Add(new Wire.StringStringEntryProto { Key = key, Value = value });
        }
        return proto;
    }
}
