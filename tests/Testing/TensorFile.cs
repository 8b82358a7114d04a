using System.Runtime.InteropServices;
using System.Text;
using OnnxEff.Ir;

namespace OnnxEff.Tests.Testing;

/// <summary>Reads files that hold one TensorProto with raw data, as test data sets of ONNX do.</summary>
static class TensorFile
{
    /// <summary>The tensor and its name. Dims are field 1, the type 2, the name 8, the bytes 9.</summary>
    public static (string Name, Tensor Tensor) Read(string path) => Parse(File.ReadAllBytes(path));

    /// <summary>The tensor and its name in a file's bytes.</summary>
    public static (string Name, Tensor Tensor) Parse(ReadOnlySpan<byte> bytes)
    {
        var dims = new List<long>();
        var (element, name, raw) = (ElementType.Undefined, "", Array.Empty<byte>());
        while (bytes.Length > 0)
        {
            var tag = Varint(ref bytes);
            if ((tag & 7) == 0)
            {
                var value = (long)Varint(ref bytes);
                if (tag >> 3 == 1) dims.Add(value);
                else if (tag >> 3 == 2) element = (ElementType)value;
                continue;
            }
            var length = (int)Varint(ref bytes);
            var content = bytes[..length];
            bytes = bytes[length..];
            if (tag >> 3 == 1)
                while (content.Length > 0) dims.Add((long)Varint(ref content));
            else if (tag >> 3 == 8) name = Encoding.UTF8.GetString(content);
            else if (tag >> 3 == 9) raw = content.ToArray();
        }
        return (name, new Tensor(element, CollectionsMarshal.AsSpan(dims), new TensorData(raw)));
    }

    static ulong Varint(ref ReadOnlySpan<byte> bytes)
    {
        ulong value = 0;
        for (var shift = 0; ; shift += 7)
        {
            var b = bytes[0];
            bytes = bytes[1..];
            value |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80) return value;
        }
    }
}
