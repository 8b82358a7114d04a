namespace OnnxEff.Ir.Onnx;

/// <summary>
/// Finds the payloads that are not in the parsed message: large ones in the model's own bytes, and those in external
/// files, each of which is mapped once. Files must lie in the model's folder.
/// </summary>
internal sealed class PayloadSource
{
    readonly MappedFile? _model;
    readonly byte[]? _bytes;
    readonly IReadOnlyList<(int Offset, int Length)> _payloads;
    readonly Dictionary<string, MappedFile> _files = [];
    readonly Dictionary<(string Location, long Offset, long Length), Tensor> _tensors = [];
    readonly string[] _roots = [];

    /// <summary>Payloads of a mapped model, and external files beside it.</summary>
    public PayloadSource(MappedFile model, string path, IReadOnlyList<(int Offset, int Length)> payloads)
    {
        (_model, _payloads) = (model, payloads);
        Folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        // A model reached through a link (as in the Hugging Face cache) may have its data beside the link or beside the file.
        _roots = [RealPath.Of(Folder), Path.GetDirectoryName(RealPath.Of(path))!];
    }

    /// <summary>Payloads of a model in memory, which can have no external files.</summary>
    public PayloadSource(byte[] model, IReadOnlyList<(int Offset, int Length)> payloads) => (_bytes, _payloads) = (model, payloads);

    /// <summary>The folder of the model, null if it is in memory.</summary>
    public string? Folder { get; }

    /// <summary>Full paths of the external files that tensors lie in.</summary>
    public IEnumerable<string> ExternalFiles => _files.Values.Select(f => f.Path);

    /// <summary>A large payload that was left out of the message.</summary>
    public TensorData Mapped(int number, string where)
    {
        if (number < 0 || number >= _payloads.Count)
            throw new InvalidModelException($"{where} has a field that is no part of ONNX; export the model again.");
        var (offset, length) = _payloads[number];
        return _model?.Slice(offset, length) ?? new TensorData(_bytes.AsSpan(offset, length).ToArray());
    }

    /// <summary>A tensor in an external file; tensors at the same place are the same object.</summary>
    public Tensor External(Wire.TensorProto proto, ElementType element, long[] dims, long length, string where)
    {
        string? location = null;
        long offset = 0;
        foreach (var entry in proto.ExternalData)
        {
            if (entry.Key == "location")
                location = entry.Value;
            else if (entry.Key == "offset")
                offset = Number(entry, where);
            else if (entry.Key == "length" && Number(entry, where) is var stated && stated != length)
            {
                throw new InvalidModelException(
                    $"{where} states {stated} bytes of external data but its type takes {length}; export the model again.");
            }
        }
        if (string.IsNullOrEmpty(location))
            throw new InvalidModelException($"{where} has external data without a location; export the model again.");
        if (!_tensors.TryGetValue((location, offset, length), out var known))
            _tensors[(location, offset, length)] = known = new Tensor(element, dims, Piece(location, offset, length, where));
        return known.Element == element && known.Dims.SequenceEqual(dims) ? known : new Tensor(element, dims, known.Data);
    }

    TensorData Piece(string location, long offset, long length, string where)
    {
        if (!_files.TryGetValue(location, out var file))
            _files[location] = file = Open(location, where);
        if (offset > file.Length - length)
        {
            throw new InvalidModelException(
                $"{where} takes bytes {offset} to {(decimal)offset + length} of '{location}', which has {file.Length}; copy or export that file again.");
        }
        return file.Slice(offset, length);
    }

    MappedFile Open(string location, string where)
    {
        if (Folder is null)
            throw new InvalidModelException($"{where} has external data in '{location}', but the model is in memory; load it from its file.");
        if (location.Contains('\0', StringComparison.Ordinal) || Path.IsPathRooted(location) || location.Contains(':', StringComparison.Ordinal)
            || location.Split('/', '\\').Contains(".."))
        {
            throw new InvalidModelException($"{where} has external data at '{Printable(location)}', outside of the model's folder; "
                + "put the data beside the model and correct the location.");
        }
        var path = Path.Combine(Folder, location);
        if (!File.Exists(path))
        {
            throw new InvalidModelException(
                $"{where} has external data in '{Printable(location)}', which is not in '{Folder}'; put the file there.");
        }
        var real = RealPath.Of(path);
        if (!Array.Exists(_roots, r => RealPath.IsInside(real, r)))
        {
            throw new InvalidModelException($"{where} has external data at '{Printable(location)}', a link that leaves the model's folder; "
                + "put the data beside the model.");
        }
        return new MappedFile(path);
    }

    static long Number(Wire.StringStringEntryProto entry, string where) =>
        long.TryParse(entry.Value, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var value)
            ? value
            : throw new InvalidModelException(
                $"{where} has an external {entry.Key} of '{Printable(entry.Value)}', which is no size; export the model again.");

    static string Printable(string text) =>
        string.Concat((text.Length > 200 ? text[..200] : text).Select(c => char.IsControl(c) ? '?' : c));
}
