namespace OnnxEff.Ir.Onnx;

/// <summary>Where payloads lie in the data file beside a graph. Payloads that are the same memory lie there once.</summary>
/// <param name="fileName">The file's name.</param>
internal sealed class DataLayout(string fileName)
{
    /// <summary>Smaller payloads stay in the graph: runtimes read shapes and axes from there only.</summary>
    public const int SmallestExternal = 4096;

    const long Alignment = 1 << 16; // The mapping granularity of all systems.

    readonly Dictionary<(byte[]?, nint, long), long> _offsets = [];
    readonly List<(TensorData Data, long Offset)> _pieces = [];

    /// <summary>The file's name, relative to the graph's folder.</summary>
    public string FileName { get; } = fileName;

    /// <summary>The payloads in order.</summary>
    public IReadOnlyList<(TensorData Data, long Offset)> Pieces => _pieces;

    /// <summary>Bytes of the whole file.</summary>
    public long Length { get; private set; }

    /// <summary>Gives a payload its place.</summary>
    /// <returns>Offset of its first byte in the file.</returns>
    public long Place(TensorData data)
    {
        if (_offsets.TryGetValue(data.Memory, out var offset))
            return offset;
        offset = checked(Length + Alignment - 1) / Alignment * Alignment;
        Length = checked(offset + data.Length);
        _offsets.Add(data.Memory, offset);
        _pieces.Add((data, offset));
        return offset;
    }
}
