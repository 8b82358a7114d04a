using System.Runtime.InteropServices;
using Google.Protobuf.Collections;

namespace OnnxEff.Ir.Onnx;

/// <summary>Reads a TensorProto. Takes the fields that it understands out of the message; what remains is the rest.</summary>
internal sealed class TensorReader(PayloadSource source)
{
    const int MaxRank = 256;

    /// <summary>Reads the tensor.</summary>
    /// <param name="proto">The message; loses type, dimensions and payload.</param>
    /// <param name="where">Where it is, to begin a sentence with.</param>
    public Tensor Take(Wire.TensorProto proto, string where)
    {
        var element = (ElementType)proto.DataType;
        if (element != ElementType.String && element.BitWidth() == 0)
        {
            throw new InvalidModelException(
                $"{where} has the element type {proto.DataType}, which is not known; export it with another type.");
        }
        if (proto.Segment is not null)
            throw new InvalidModelException($"{where} is stored in segments, which no runtime reads; export it whole.");
        long[] dims = [.. proto.Dims];
        var count = Count(dims, where);
        var tensor = element == ElementType.String ? Strings(proto, dims, count, where) : Numbers(proto, element, dims, count, where);
        Clear(proto);
        return tensor;
    }

    static long Count(long[] dims, string where)
    {
        if (dims.Length > MaxRank)
            throw new InvalidModelException($"{where} has {dims.Length} dimensions, more than {MaxRank}; export the model again.");
        try
        {
            return Tensor.CountOf(dims);
        }
        catch (ArgumentException e)
        {
            throw new InvalidModelException(
                $"{where} has dimensions [{string.Join(", ", dims)}], which are negative or too large; export the model again.", e);
        }
    }

    static Tensor Strings(Wire.TensorProto proto, long[] dims, long count, string where)
    {
        if (proto.HasRawData || proto.HasMappedPayload || IsExternal(proto) || proto.StringData.Count != count)
        {
            throw new InvalidModelException(
                $"{where} takes {count} strings but has {proto.StringData.Count}, or has them in another form; export the model again.");
        }
        return Tensor.OfStrings(dims, [.. proto.StringData.Select(s => s.ToByteArray())]);
    }

    Tensor Numbers(Wire.TensorProto proto, ElementType element, long[] dims, long count, string where)
    {
        var length = element.ByteLength(count);
        if (IsExternal(proto))
            return source.External(proto, element, dims, length, where);
        if (proto.HasMappedPayload && proto.HasRawData)
            throw new InvalidModelException($"{where} has two payloads; export the model again.");
        var data = proto.HasMappedPayload ? source.Mapped(proto.MappedPayload, where)
            : proto.HasRawData ? new TensorData(proto.RawData.ToByteArray())
            : new TensorData(Typed(proto, element));
        return data.Length == length ? new Tensor(element, dims, data)
            : throw new InvalidModelException(
                $"{where} takes {length} bytes as {element}[{string.Join(", ", dims)}] but has {data.Length}; export the model again.");
    }

    static bool IsExternal(Wire.TensorProto proto) => proto.DataLocation == Wire.TensorProto.Types.DataLocation.External;

    /// <summary>The bytes of the field that holds elements of this type; nibbles come packed, one byte per number.</summary>
    static byte[] Typed(Wire.TensorProto proto, ElementType element) => element switch
    {
        ElementType.Float32 or ElementType.Complex64 => Bytes<float, float>(proto.FloatData, v => v),
        ElementType.Float64 or ElementType.Complex128 => Bytes<double, double>(proto.DoubleData, v => v),
        ElementType.Int64 => Bytes<long, long>(proto.Int64Data, v => v),
        ElementType.UInt64 => Bytes<ulong, ulong>(proto.Uint64Data, v => v),
        ElementType.UInt32 => Bytes<ulong, uint>(proto.Uint64Data, v => (uint)v),
        ElementType.Int32 => Bytes<int, int>(proto.Int32Data, v => v),
        _ when element.BitWidth() == 16 => Bytes<int, ushort>(proto.Int32Data, v => (ushort)v),
        _ => Bytes<int, byte>(proto.Int32Data, v => (byte)v),
    };

    static byte[] Bytes<TStored, T>(RepeatedField<TStored> values, Func<TStored, T> convert) where T : unmanaged
    {
        var bytes = new byte[checked(values.Count * Marshal.SizeOf<T>())];
        var typed = MemoryMarshal.Cast<byte, T>(bytes.AsSpan());
        for (var i = 0; i < typed.Length; i++)
            typed[i] = convert(values[i]);
        return bytes;
    }

    static void Clear(Wire.TensorProto proto)
    {
        proto.Dims.Clear();
        proto.ClearDataType();
        proto.FloatData.Clear();
        proto.Int32Data.Clear();
        proto.StringData.Clear();
        proto.Int64Data.Clear();
        proto.ClearRawData();
        proto.DoubleData.Clear();
        proto.Uint64Data.Clear();
        proto.ExternalData.Clear();
        proto.ClearDataLocation();
        proto.ClearMappedPayload();
    }
}
