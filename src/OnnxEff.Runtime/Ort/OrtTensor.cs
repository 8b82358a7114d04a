using System.Runtime.InteropServices;
using OnnxEff.Ir;

namespace OnnxEff.Runtime;

/// <summary>
/// A dense tensor in CPU memory that ONNX Runtime can read and write: either over memory of this library, aligned to 64
/// bytes, or allocated by ONNX Runtime for an output. Row-major, any element type of fixed width as raw bytes.
/// </summary>
public sealed unsafe class OrtTensor : IDisposable
{
    readonly OrtHandle handle;
    readonly AlignedBuffer? memory;
    readonly long[] dims;
    readonly byte* data;

    OrtTensor(OrtHandle handle, AlignedBuffer? memory, ElementType element, long[] dims, byte* data)
    {
        (this.handle, this.memory, this.dims) = (handle, memory, dims);
        this.data = data;
        Element = element;
        Count = Tensor.CountOf(dims);
        ByteLength = element.ByteLength(Count);
    }

    /// <summary>Element type.</summary>
    public ElementType Element { get; }

    /// <summary>Dimensions; empty for a scalar.</summary>
    public ReadOnlySpan<long> Dims => dims;

    /// <summary>Number of elements.</summary>
    public long Count { get; }

    /// <summary>Bytes of the payload.</summary>
    public long ByteLength { get; }

    internal nint Value => handle.Value;

    /// <summary>The first byte, for code that needs an address; valid while the tensor is.</summary>
    internal byte* Address
    {
        get
        {
            ObjectDisposedException.ThrowIf(handle.IsClosed, this);
            return data;
        }
    }

    /// <summary>A tensor of zeros.</summary>
    /// <exception cref="ArgumentException">Negative or absurd dimensions, or a type without a fixed width.</exception>
    public static OrtTensor Zeros(ElementType element, params ReadOnlySpan<long> dims)
    {
        var length = LengthOf(element, dims);
        return Over(new AlignedBuffer(length), 0, length, element, dims);
    }

    /// <summary>A tensor with these values, which are copied.</summary>
    /// <exception cref="ArgumentException">The number of values does not follow from the dimensions.</exception>
    public static OrtTensor From<T>(ReadOnlySpan<T> values, params ReadOnlySpan<long> dims) where T : unmanaged
    {
        var tensor = Zeros(Tensor.ElementOf<T>(), dims);
        if (tensor.Count != values.Length)
            throw new ArgumentException($"{values.Length} values do not fill a tensor [{string.Join(", ", dims.ToArray())}].");
        values.CopyTo(tensor.As<T>());
        return tensor;
    }

    /// <summary>A copy of a constant.</summary>
    public static OrtTensor From(Tensor tensor)
    {
        var copy = Zeros(tensor.Element, tensor.Dims);
        copy.CopyFrom(tensor);
        return copy;
    }

    /// <summary>Takes the values of a constant of the same type and dimensions.</summary>
    internal void CopyFrom(Tensor tensor)
    {
        const int Chunk = 1 << 30;
        for (long at = 0; at < ByteLength; at += Chunk)
        {
            var count = (int)Math.Min(Chunk, ByteLength - at);
            tensor.Data.Slice(at, count).CopyTo(new Span<byte>(Address + at, count));
        }
    }

    /// <summary>
    /// A tensor over the first bytes of this one's memory, with dimensions of its own. The memory lives until both are disposed.
    /// </summary>
    /// <exception cref="InvalidOperationException">The memory belongs to ONNX Runtime.</exception>
    /// <exception cref="ArgumentException">The view needs more bytes than there are.</exception>
    public OrtTensor View(params ReadOnlySpan<long> viewDims)
    {
        if (memory is null) throw new InvalidOperationException("Only a tensor over this library's memory can be viewed.");
        var length = LengthOf(Element, viewDims);
        if (length > ByteLength)
            throw new ArgumentException($"A view [{string.Join(", ", viewDims.ToArray())}] needs {length} bytes of {ByteLength}.");
        return Over(memory, 0, length, Element, viewDims);
    }

    /// <summary>All bytes.</summary>
    /// <exception cref="InvalidOperationException">There are more than 2^31 - 1 of them.</exception>
    public Span<byte> Bytes => ByteLength <= int.MaxValue
        ? new(Address, (int)ByteLength)
        : throw new InvalidOperationException($"A tensor of {ByteLength} bytes does not fit one span; read it by rows.");

    /// <summary>All elements.</summary>
    /// <exception cref="InvalidOperationException"><typeparamref name="T"/> is not the element type.</exception>
    public Span<T> As<T>() where T : unmanaged => IsOf<T>()
        ? MemoryMarshal.Cast<byte, T>(Bytes)
        : throw new InvalidOperationException($"A tensor of {Element} was read as {typeof(T).Name}.");

    /// <summary>One run of elements along the last axis, as floats: <paramref name="row"/> counts over all other axes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such row.</exception>
    public void CopyRow(long row, Span<float> destination)
    {
        var width = dims.Length == 0 ? 1 : dims[^1];
        if (row < 0 || width == 0 || row >= Count / width)
            throw new ArgumentOutOfRangeException(nameof(row), $"Row {row} of a tensor [{string.Join(", ", dims)}].");
        var start = Element.ByteLength(row * width);
        var bytes = new ReadOnlySpan<byte>(Address + start, checked((int)Element.ByteLength(width)));
        Floats.Widen(Element, bytes, destination[..(int)width]);
    }

    /// <summary>All elements as floats. Integers above 2^24 lose digits.</summary>
    public float[] ToFloats()
    {
        var result = new float[Count];
        Floats.Widen(Element, Bytes, result);
        return result;
    }

    /// <summary>A copy as a constant of the graph representation.</summary>
    public Tensor ToTensor() => new(Element, dims, new TensorData(Bytes.ToArray()));

    /// <summary>The same, in an array of the caller's.</summary>
    /// <param name="memory">Gives an array of exactly so many bytes.</param>
    internal Tensor ToTensor(Func<int, byte[]> memory)
    {
        var bytes = memory((int)ByteLength);
        Bytes.CopyTo(bytes);
        return new(Element, dims, new TensorData(bytes));
    }

    /// <summary>Releases the value; memory that views share goes with the last of them.</summary>
    public void Dispose()
    {
        handle.Dispose();
        // The handle holds a reference of its own on the memory, and so does every view.
    }

    internal static OrtTensor Over(AlignedBuffer memory, long offset, long length, ElementType element, ReadOnlySpan<long> dims)
    {
        var api = OrtApi.Instance;
        nint value;
        fixed (long* shape = dims)
            api.Check(api.CreateTensorWithDataAsOrtValue(OrtRuntime.CpuMemory, memory.Address + offset, (nuint)length, shape,
                (nuint)dims.Length, OrtElementTypes.ToOrt(element), &value), "A tensor cannot be made");
        return new(new OrtHandle(value, api.ReleaseValue, memory), memory, element, dims.ToArray(), memory.Address + offset);
    }

    /// <summary>Takes ownership of a value that ONNX Runtime made.</summary>
    /// <exception cref="OrtException">It is no dense tensor of a fixed-width type.</exception>
    internal static OrtTensor Take(nint value, string name)
    {
        var api = OrtApi.Instance;
        var handle = new OrtHandle(value, api.ReleaseValue);
        try
        {
            int isTensor;
            api.Check(api.IsTensor(value, &isTensor), $"Output '{name}'");
            if (isTensor == 0) throw new OrtException($"Output '{name}' is no tensor.", OrtErrorCode.InvalidArgument);

            nint info;
            api.Check(api.GetTensorTypeAndShape(value, &info), $"Output '{name}'");
            using var owner = new OrtHandle(info, api.ReleaseTensorTypeAndShapeInfo);
            int code;
            nuint rank;
            api.Check(api.GetTensorElementType(info, &code), $"Output '{name}'");
            api.Check(api.GetDimensionsCount(info, &rank), $"Output '{name}'");
            var dims = new long[(int)rank];
            fixed (long* shape = dims)
                api.Check(api.GetDimensions(info, shape, rank), $"Output '{name}'");

            var element = OrtElementTypes.FromOrt(code);
            if (element.BitWidth() == 0)
                throw new OrtException($"Output '{name}' holds {element}, which has no fixed width.", OrtErrorCode.InvalidArgument);
            void* data;
            api.Check(api.GetTensorMutableData(value, &data), $"Output '{name}'");
            return new(handle, null, element, dims, (byte*)data);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    static long LengthOf(ElementType element, ReadOnlySpan<long> dims) => element.BitWidth() > 0
        ? element.ByteLength(Tensor.CountOf(dims))
        : throw new ArgumentException($"A tensor of {element} has no fixed width.");

    // BFloat16 has no C# type; its bits travel as ushort.
    bool IsOf<T>() where T : unmanaged =>
        Tensor.ElementOf<T>() == Element || (typeof(T) == typeof(ushort) && Element is ElementType.BFloat16 or ElementType.Float16);
}
