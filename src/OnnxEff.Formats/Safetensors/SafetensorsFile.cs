using System.Buffers.Binary;
using System.Text.Json;
using OnnxEff.Ir;
using OnnxEff.Ir.Onnx;

namespace OnnxEff.Formats;

/// <summary>
/// A safetensors file, mapped into memory: 8 bytes with the header's length n, n bytes of JSON, which give each tensor its type, shape and
/// place, and then the tensors. They fill the rest of the file without a gap or an overlap.
/// </summary>
public sealed class SafetensorsFile
{
    const int LengthBytes = 8;
    const long LargestHeader = 100_000_000; // The limit of the format's own reader.
    const string Metadata = "__metadata__";

    readonly Dictionary<string, Tensor> _tensors = new(StringComparer.Ordinal);

    SafetensorsFile(string path) => Path = path;

    /// <summary>Where it lies.</summary>
    public string Path { get; }

    /// <summary>All tensors by name; their payloads are the mapped bytes.</summary>
    public IReadOnlyDictionary<string, Tensor> Tensors => _tensors;

    /// <summary>Maps a file and reads its header.</summary>
    /// <exception cref="InvalidDataException">It breaks a rule of the format; the sentence says which.</exception>
    /// <exception cref="IOException">It cannot be opened.</exception>
    public static SafetensorsFile Open(string path)
    {
        var file = new SafetensorsFile(path);
        var mapping = new MappedFile(path);
        if (mapping.Length < LengthBytes) throw file.Fault($"it has {mapping.Length} bytes, less than the length of a header takes");
        var whole = mapping.Slice(0, mapping.Length);
        var header = BinaryPrimitives.ReadUInt64LittleEndian(whole.Slice(0, LengthBytes));
        if (header > LargestHeader) throw file.Fault($"its header claims {header} bytes, and {LargestHeader} are allowed");
        var start = LengthBytes + (long)header;
        if (start > mapping.Length) throw file.Fault($"its header claims {header} bytes, and {mapping.Length - LengthBytes} follow");
        try
        {
            using var json = JsonDocument.Parse(whole.Slice(LengthBytes, (int)header).ToArray());
            file.Read(json.RootElement, mapping, start);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException) // The latter of text that is no Unicode.
        {
            throw new InvalidDataException($"'{path}' is no safetensors file: its header is not legal JSON.", e);
        }
        return file;
    }

    void Read(JsonElement header, MappedFile mapping, long start)
    {
        if (header.ValueKind != JsonValueKind.Object) throw Fault("its header is no JSON object");
        List<(long Begin, long End, string Name)> places = [];
        foreach (var entry in header.EnumerateObject().Where(e => e.Name != Metadata))
        {
            var (element, dims, begin, end) = ReadEntry(entry.Name, entry.Value, mapping.Length - start);
            if (!_tensors.TryAdd(entry.Name, new Tensor(element, dims, mapping.Slice(start + begin, end - begin))))
                throw Fault($"it has two tensors named '{entry.Name}'");
            places.Add((begin, end, entry.Name));
        }
        long filled = 0;
        foreach (var (begin, end, name) in places.Order())
        {
            if (begin < filled) throw Fault($"tensor '{name}' overlaps the one before it");
            if (begin > filled) throw Fault($"nothing uses the {begin - filled} bytes before tensor '{name}'");
            filled = end;
        }
        if (filled != mapping.Length - start) throw Fault($"nothing uses its last {mapping.Length - start - filled} bytes");
    }

    (ElementType Element, long[] Dims, long Begin, long End) ReadEntry(string name, JsonElement entry, long available)
    {
        if (entry.ValueKind != JsonValueKind.Object || entry.EnumerateObject().Count() != 3
            || !entry.TryGetProperty("dtype", out var dtype) || dtype.ValueKind != JsonValueKind.String
            || Sizes(entry, "shape") is not { } dims || Sizes(entry, "data_offsets") is not [var begin, var end])
        {
            throw Fault($"tensor '{name}' needs dtype, shape and two data_offsets, and nothing else");
        }
        if (ElementOf(dtype.GetString()!) is not { } element) throw Fault($"tensor '{name}' has the unknown type '{dtype.GetString()}'");
        if (begin > end || end > available) throw Fault($"tensor '{name}' lies at [{begin}, {end}), outside of {available} bytes of data");
        if (ByteLength(element, dims) is not { } bytes || bytes != end - begin)
            throw Fault($"tensor '{name}' {dtype.GetString()}[{string.Join(", ", dims)}] does not take the {end - begin} bytes that it has");
        return (element, dims, begin, end);
    }

    /// <summary>An array of integers that are not negative, or null if it is none.</summary>
    static long[]? Sizes(JsonElement entry, string name)
    {
        if (!entry.TryGetProperty(name, out var array) || array.ValueKind != JsonValueKind.Array) return null;
        var sizes = new long[array.GetArrayLength()];
        for (var i = 0; i < sizes.Length; i++)
            if (array[i].ValueKind != JsonValueKind.Number || !array[i].TryGetInt64(out sizes[i]) || sizes[i] < 0) return null;
        return sizes;
    }

    static long? ByteLength(ElementType element, long[] dims)
    {
        try
        {
            return element.ByteLength(Tensor.CountOf(dims));
        }
        catch (ArgumentException)
        {
            return null; // More than any file holds.
        }
    }

    static ElementType? ElementOf(string dtype) => dtype switch
    {
        "F64" => ElementType.Float64,
        "F32" => ElementType.Float32,
        "F16" => ElementType.Float16,
        "BF16" => ElementType.BFloat16,
        "F8_E4M3" => ElementType.Float8E4M3FN,
        "F8_E5M2" => ElementType.Float8E5M2,
        "F8_E8M0" => ElementType.Float8E8M0,
        "I64" => ElementType.Int64,
        "I32" => ElementType.Int32,
        "I16" => ElementType.Int16,
        "I8" => ElementType.Int8,
        "U64" => ElementType.UInt64,
        "U32" => ElementType.UInt32,
        "U16" => ElementType.UInt16,
        "U8" => ElementType.UInt8,
        "BOOL" => ElementType.Bool,
        _ => null,
    };

    InvalidDataException Fault(string what) => new($"'{Path}' is no legal safetensors file: {what}.");
}
