using System.Text;

namespace OnnxEff.Tests.Cli;

/// <summary>Writes ONNX files field by field, legal or not: what no exporter writes can only be written this way.</summary>
sealed class OnnxBytes
{
    const int Float = 1;

    readonly List<byte> bytes = [];

    /// <summary>A model of a graph with an input <c>x</c> and an output <c>y</c>, both float <c>[1, 4]</c>.</summary>
    public static byte[] Model(params OnnxBytes[] graphParts)
    {
        var graph = new OnnxBytes().Text(2, "g").Part(11, Port("x")).Part(12, Port("y"));
        foreach (var part in graphParts) graph.bytes.AddRange(part.bytes);
        return new OnnxBytes().Number(1, 8).Part(7, graph)
            .Part(8, new OnnxBytes().Text(1, "").Number(2, 17))
            .Part(8, new OnnxBytes().Text(1, "com.example").Number(2, 1)).ToArray();
    }

    /// <summary>A node of a graph.</summary>
    public static OnnxBytes Node(string op, string[] inputs, string[] outputs, string domain = "")
    {
        var node = new OnnxBytes();
        foreach (var input in inputs) node.Text(1, input);
        foreach (var output in outputs) node.Text(2, output);
        return new OnnxBytes().Part(1, node.Text(3, $"{op}_node").Text(4, op).Text(7, domain));
    }

    /// <summary>An initializer whose bytes are inside the model.</summary>
    public static OnnxBytes Inline(string name, long[] dims, byte[] data) =>
        new OnnxBytes().Part(5, Tensor(name, dims).Bytes(9, data));

    /// <summary>An initializer whose bytes are in another file.</summary>
    public static OnnxBytes External(string name, long[] dims, string location, long offset, long length)
    {
        var tensor = Tensor(name, dims);
        foreach (var (key, value) in ((string, string)[])[("location", location), ("offset", $"{offset}"), ("length", $"{length}")])
            tensor.Part(13, new OnnxBytes().Text(1, key).Text(2, value));
        return new OnnxBytes().Part(5, tensor.Number(14, 1));
    }

    /// <summary>The bytes so far.</summary>
    public byte[] ToArray() => [.. bytes];

    static OnnxBytes Tensor(string name, long[] dims)
    {
        var tensor = new OnnxBytes();
        foreach (var dim in dims) tensor.Number(1, dim);
        return tensor.Number(2, Float).Text(8, name);
    }

    static OnnxBytes Port(string name)
    {
        var shape = new OnnxBytes().Part(1, new OnnxBytes().Number(1, 1)).Part(1, new OnnxBytes().Number(1, 4));
        return new OnnxBytes().Text(1, name).Part(2, new OnnxBytes().Part(1, new OnnxBytes().Number(1, Float).Part(2, shape)));
    }

    OnnxBytes Number(int field, long value)
    {
        Varint((ulong)field << 3);
        Varint((ulong)value);
        return this;
    }

    OnnxBytes Text(int field, string value) => Bytes(field, Encoding.UTF8.GetBytes(value));

    OnnxBytes Part(int field, OnnxBytes part) => Bytes(field, part.ToArray());

    OnnxBytes Bytes(int field, byte[] value)
    {
        Varint(((ulong)field << 3) | 2);
        Varint((ulong)value.Length);
        bytes.AddRange(value);
        return this;
    }

    void Varint(ulong value)
    {
        for (; value >= 0x80; value >>= 7) bytes.Add((byte)(value | 0x80));
        bytes.Add((byte)value);
    }
}
