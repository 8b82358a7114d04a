using Google.Protobuf;

namespace OnnxEff.Ir.Onnx;

/// <summary>One field of a serialized protobuf message.</summary>
/// <param name="Number">The field's number.</param>
/// <param name="Type">How it is written.</param>
/// <param name="Start">First byte of the value; behind the length where there is one.</param>
internal readonly record struct WireField(int Number, WireFormat.WireType Type, int Start)
{
    /// <summary>Reads the tag at <paramref name="at"/> and moves behind the field.</summary>
    /// <exception cref="InvalidModelException">This is no field, or it ends behind <paramref name="end"/>.</exception>
    public static WireField Read(ReadOnlySpan<byte> bytes, ref int at, int end)
    {
        var tagAt = at;
        var tag = Varint(bytes, ref at, end);
        var number = tag >> 3;
        if (number is 0 or > 0x1FFFFFFF)
            throw Malformed(tagAt);
        var type = (WireFormat.WireType)(tag & 7);
        var start = at;
        ulong length = 0;
        switch (type)
        {
            case WireFormat.WireType.Varint:
                Varint(bytes, ref at, end);
                break;
            case WireFormat.WireType.Fixed32:
                length = 4;
                break;
            case WireFormat.WireType.Fixed64:
                length = 8;
                break;
            case WireFormat.WireType.LengthDelimited:
                length = Varint(bytes, ref at, end);
                start = at;
                break;
            default:
                throw Malformed(tagAt);
        }
        if (length > (ulong)(end - at))
        {
            throw new InvalidModelException(
                $"The file is truncated: field {number} at byte {tagAt} needs {length} bytes and {end - at} are left; copy or export it again.");
        }
        at += (int)length;
        return new WireField((int)number, type, start);
    }

    static ulong Varint(ReadOnlySpan<byte> bytes, ref int at, int end)
    {
        ulong value = 0;
        for (var shift = 0; shift < 70; shift += 7)
        {
            if (at >= end)
                throw new InvalidModelException($"The file is truncated at byte {at}; copy or export it again.");
            var b = bytes[at++];
            value |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80)
                return value;
        }
        throw Malformed(at);
    }

    static InvalidModelException Malformed(int at) =>
        new($"The file is no ONNX model: byte {at} starts no protobuf field; give the path of an .onnx file.");
}
