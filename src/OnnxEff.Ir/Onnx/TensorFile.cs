using Google.Protobuf;

namespace OnnxEff.Ir.Onnx;

/// <summary>Reads files that hold one tensor, as test data sets of ONNX do.</summary>
public static class TensorFile
{
    /// <summary>The tensor of a file and its name.</summary>
    /// <exception cref="InvalidModelException">The file holds no legal tensor.</exception>
    public static (string Name, Tensor Tensor) Read(string path) => Parse(File.ReadAllBytes(path));

    /// <summary>The tensor in some bytes and its name.</summary>
    /// <exception cref="InvalidModelException">They hold no legal tensor.</exception>
    public static (string Name, Tensor Tensor) Parse(byte[] bytes)
    {
        try
        {
            var proto = Wire.TensorProto.Parser.ParseFrom(bytes);
            var name = proto.Name;
            return (name, new TensorReader(new PayloadSource(bytes, [])).Take(proto, $"Tensor '{name}'"));
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new InvalidModelException($"The file holds no legal tensor ({e.Message.TrimEnd('.')}).", e);
        }
    }
}
