using System.Runtime.InteropServices;

namespace OnnxEff.Ir;

/// <summary>A constant tensor: element type, dimensions and payload. Immutable; shared tensors are shared by reference.</summary>
public sealed class Tensor
{
    readonly long[] _dims;

    /// <summary>A tensor over existing bytes.</summary>
    /// <exception cref="ArgumentException">The payload's length does not follow from type and dimensions.</exception>
    public Tensor(ElementType element, ReadOnlySpan<long> dims, TensorData data)
    {
        (Element, _dims, Data) = (element, dims.ToArray(), data);
        Count = CountOf(dims);
        if (element != ElementType.String && element.ByteLength(Count) != data.Length)
        {
            throw new ArgumentException($"A tensor {element}[{string.Join(", ", _dims)}] takes {element.ByteLength(Count)} bytes, "
                + $"the payload has {data.Length}.");
        }
    }

    Tensor(ReadOnlySpan<long> dims, byte[][] strings)
    {
        (Element, _dims, Data, Strings) = (ElementType.String, dims.ToArray(), new TensorData([]), strings);
        Count = CountOf(dims);
        if (Count != strings.Length)
            throw new ArgumentException($"A string tensor [{string.Join(", ", _dims)}] takes {Count} strings, not {strings.Length}.");
    }

    /// <summary>Element type.</summary>
    public ElementType Element { get; }

    /// <summary>Dimensions; empty for a scalar.</summary>
    public ReadOnlySpan<long> Dims => _dims;

    /// <summary>Number of dimensions.</summary>
    public int Rank => _dims.Length;

    /// <summary>Number of elements.</summary>
    public long Count { get; }

    /// <summary>The payload; empty for string tensors.</summary>
    public TensorData Data { get; }

    /// <summary>The UTF-8 strings of a string tensor, else null.</summary>
    public byte[][]? Strings { get; }

    /// <summary>Element type and shape.</summary>
    public TensorType Type => new(Element, TensorShape.Of(_dims));

    /// <summary>A tensor of managed values, which are copied.</summary>
    public static Tensor Create<T>(ReadOnlySpan<long> dims, ReadOnlySpan<T> values) where T : unmanaged =>
        new(ElementOf<T>(), dims, new TensorData(MemoryMarshal.AsBytes(values).ToArray()));

    /// <summary>A one-dimensional tensor.</summary>
    public static Tensor Vector<T>(params ReadOnlySpan<T> values) where T : unmanaged => Create([values.Length], values);

    /// <summary>A tensor of rank 0.</summary>
    public static Tensor Scalar<T>(T value) where T : unmanaged => Create<T>([], [value]);

    /// <summary>A tensor of UTF-8 strings.</summary>
    public static Tensor OfStrings(ReadOnlySpan<long> dims, byte[][] strings) => new(dims, strings);

    /// <summary>The elements as <typeparamref name="T"/>, which must be the element type.</summary>
    public ReadOnlySpan<T> As<T>() where T : unmanaged => ElementOf<T>() == Element
        ? MemoryMarshal.Cast<byte, T>(Data.Span)
        : throw new InvalidOperationException($"A tensor of {Element} was read as {typeof(T).Name}.");

    /// <summary>The same payload with other dimensions.</summary>
    public Tensor Reshape(params ReadOnlySpan<long> dims) => Strings is null ? new(Element, dims, Data) : new(dims, Strings);

    /// <summary>All elements as 64-bit integers, or null if the type is not an integer or boolean.</summary>
    public long[]? ToInt64() => Element switch
    {
        ElementType.Int64 => As<long>().ToArray(),
        ElementType.Int32 => Widen<int>(v => v),
        ElementType.Int16 => Widen<short>(v => v),
        ElementType.Int8 => Widen<sbyte>(v => v),
        ElementType.UInt8 => Widen<byte>(v => v),
        ElementType.UInt16 => Widen<ushort>(v => v),
        ElementType.UInt32 => Widen<uint>(v => v),
        ElementType.Bool => Widen<bool>(v => v ? 1 : 0),
        _ => null,
    };

    /// <summary>All elements as doubles, or null if the type is no plain number.</summary>
    public double[]? ToDouble()
    {
        switch (Element)
        {
            case ElementType.Float32: return Array.ConvertAll(As<float>().ToArray(), v => (double)v);
            case ElementType.Float64: return As<double>().ToArray();
            case ElementType.Float16: return Array.ConvertAll(As<Half>().ToArray(), v => (double)v);
            case ElementType.BFloat16:
                return Array.ConvertAll(MemoryMarshal.Cast<byte, ushort>(Data.Span).ToArray(),
                    v => (double)BitConverter.Int32BitsToSingle(v << 16));
            default: return ToInt64() is { } integers ? Array.ConvertAll(integers, v => (double)v) : null;
        }
    }

    /// <summary>The single element as a double, or null if there is not exactly one number.</summary>
    public double? ToScalar() => Count == 1 ? ToDouble()?[0] : null;

    /// <summary>The element type that <typeparamref name="T"/> stands for.</summary>
    public static ElementType ElementOf<T>() where T : unmanaged =>
        typeof(T) == typeof(float) ? ElementType.Float32
        : typeof(T) == typeof(long) ? ElementType.Int64
        : typeof(T) == typeof(int) ? ElementType.Int32
        : typeof(T) == typeof(bool) ? ElementType.Bool
        : typeof(T) == typeof(byte) ? ElementType.UInt8
        : typeof(T) == typeof(sbyte) ? ElementType.Int8
        : typeof(T) == typeof(Half) ? ElementType.Float16
        : typeof(T) == typeof(double) ? ElementType.Float64
        : typeof(T) == typeof(short) ? ElementType.Int16
        : typeof(T) == typeof(ushort) ? ElementType.UInt16
        : typeof(T) == typeof(uint) ? ElementType.UInt32
        : typeof(T) == typeof(ulong) ? ElementType.UInt64
        : throw new ArgumentException($"{typeof(T).Name} is no element type.");

    /// <summary>The number of elements of a tensor with these dimensions.</summary>
    /// <exception cref="ArgumentException">A dimension is negative or the product does not fit 64 bits.</exception>
    public static long CountOf(ReadOnlySpan<long> dims)
    {
        long count = 1;
        foreach (var dim in dims)
        {
            if (dim < 0 || (dim > 0 && count > long.MaxValue / 128 / dim))
                throw new ArgumentException($"Dimensions [{string.Join(", ", dims.ToArray())}] are negative or too large.");
            count *= dim;
        }
        return count;
    }

    long[] Widen<T>(Converter<T, long> convert) where T : unmanaged => Array.ConvertAll(As<T>().ToArray(), convert);
}
