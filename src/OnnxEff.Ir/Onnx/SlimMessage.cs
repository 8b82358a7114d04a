using Google.Protobuf;

namespace OnnxEff.Ir.Onnx;

/// <summary>
/// A serialized ModelProto without its large payloads. Walks the wire format of the messages that can hold tensors,
/// copies all else, and remembers where each large <c>raw_data</c> lies; <c>mapped_payload</c> stands in its place.
/// </summary>
internal sealed class SlimMessage
{
    /// <summary>Payloads of fewer bytes stay in the message.</summary>
    public const int LargePayload = 4096;

    const int MaxDepth = 96;            // The protobuf library's own limit is 100.
    const int MaxFields = 50_000_000;   // A message of two bytes becomes an object of a hundred.
    const int PayloadField = 9;         // TensorProto.raw_data
    const int MappedPayloadTag = (Wire.TensorProto.MappedPayloadFieldNumber << 3) | (int)WireFormat.WireType.Varint;

    /// <summary>The messages on the way to a tensor.</summary>
    enum Kind { Other, Model, Graph, Node, Attribute, Tensor, Function }

    readonly List<(int Offset, int Length)> _payloads = [];
    byte[] _slim = new byte[1 << 16];
    int _length;
    int _fields;

    SlimMessage() { }

    /// <summary>Offset and length of the payloads left out, by number.</summary>
    public IReadOnlyList<(int Offset, int Length)> Payloads => _payloads;

    /// <summary>The message without them.</summary>
    public ReadOnlySpan<byte> Bytes => _slim.AsSpan(0, _length);

    /// <summary>Makes a slim copy of a serialized ModelProto.</summary>
    /// <exception cref="InvalidModelException">The bytes are no protobuf message, or end too early.</exception>
    public static SlimMessage Of(ReadOnlySpan<byte> model)
    {
        var slim = new SlimMessage();
        slim.Walk(model, Kind.Model, 0, model.Length, 0);
        return slim;
    }

    void Walk(ReadOnlySpan<byte> bytes, Kind kind, int start, int end, int depth)
    {
        if (depth > MaxDepth)
            throw new InvalidModelException($"The graph nests messages deeper than {MaxDepth}; flatten its subgraphs.");
        var copied = start; // All before is in the slim message.
        for (var at = start; at < end;)
        {
            var fieldStart = at;
            var field = WireField.Read(bytes, ref at, end);
            if (++_fields > MaxFields)
                throw new InvalidModelException($"The file has more than {MaxFields} fields; split the model.");
            if (field.Type != WireFormat.WireType.LengthDelimited || at - field.Start < LargePayload)
                continue;
            var child = Child(kind, field.Number);
            if (child == Kind.Other && !(kind == Kind.Tensor && field.Number == PayloadField))
                continue;
            Append(bytes[copied..fieldStart]);
            copied = at;
            if (child == Kind.Other)
            {
                WriteVarint(unchecked((uint)MappedPayloadTag));
                WriteVarint((uint)_payloads.Count);
                _payloads.Add((field.Start, at - field.Start));
                continue;
            }
            WriteVarint(WireFormat.MakeTag(field.Number, WireFormat.WireType.LengthDelimited));
            var length = _length;
            Append([0, 0, 0, 0, 0]);
            Walk(bytes, child, field.Start, at, depth + 1);
            PatchLength(length);
        }
        Append(bytes[copied..end]);
    }

    const int PaddedLength = 5; // A varint of five bytes holds any length; zero groups at its end are legal.

    void PatchLength(int at)
    {
        var length = (uint)(_length - at - PaddedLength);
        for (var i = 0; i < PaddedLength; i++)
            _slim[at + i] = (byte)(((length >> (7 * i)) & 0x7F) | (i < PaddedLength - 1 ? 0x80u : 0));
    }

    void WriteVarint(uint value)
    {
        for (; value >= 0x80; value >>= 7)
            Append([(byte)(value | 0x80)]);
        Append([(byte)value]);
    }

    void Append(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > _slim.Length - _length)
            Array.Resize(ref _slim, (int)Math.Min(Array.MaxLength, Math.Max(2L * _slim.Length, (long)_length + bytes.Length)));
        bytes.CopyTo(_slim.AsSpan(_length));
        _length += bytes.Length;
    }

    static Kind Child(Kind parent, int field) => (parent, field) switch
    {
        (Kind.Model, Wire.ModelProto.GraphFieldNumber) => Kind.Graph,
        (Kind.Model, Wire.ModelProto.FunctionsFieldNumber) => Kind.Function,
        (Kind.Graph, Wire.GraphProto.NodeFieldNumber) => Kind.Node,
        (Kind.Graph, Wire.GraphProto.InitializerFieldNumber) => Kind.Tensor,
        (Kind.Function, Wire.FunctionProto.NodeFieldNumber) => Kind.Node,
        (Kind.Function, Wire.FunctionProto.AttributeProtoFieldNumber) => Kind.Attribute,
        (Kind.Node, Wire.NodeProto.AttributeFieldNumber) => Kind.Attribute,
        (Kind.Attribute, Wire.AttributeProto.TFieldNumber or Wire.AttributeProto.TensorsFieldNumber) => Kind.Tensor,
        (Kind.Attribute, Wire.AttributeProto.GFieldNumber or Wire.AttributeProto.GraphsFieldNumber) => Kind.Graph,
        _ => Kind.Other,
    };
}
