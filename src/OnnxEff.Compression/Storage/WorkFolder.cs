using System.Security.Cryptography;
using System.Text;
using OnnxEff.Ir;

namespace OnnxEff.Compression;

/// <summary>
/// Results of a run that may be cut off: one file for what was fitted and one for each site, each whole or absent. Its name tells model, text and
/// settings, so that what is found there belongs to this run and no other.
/// </summary>
public sealed class WorkFolder
{
    readonly string _path;

    /// <summary>The folder for a run, beside its output.</summary>
    /// <param name="output">The file that will be written.</param>
    /// <param name="key">Of the run.</param>
    public WorkFolder(string output, string key)
    {
        var full = Path.GetFullPath(output);
        _path = Path.Combine(Path.GetDirectoryName(full)!, $".{Path.GetFileName(full)}.{key}.work");
        Directory.CreateDirectory(_path);
    }

    /// <summary>A key for all that results depend on.</summary>
    public static string Key(FoundLinears found, CalibrationWindows windows, string settings)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var linear in found.Linears)
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{linear.Name} {linear.Outputs} {linear.Inputs};"));
            var data = linear.Weight.Constant!.Data;
            const int Chunk = 1 << 26;
            for (long at = 0; at < data.Length; at += Chunk) hash.AppendData(data.Slice(at, (int)Math.Min(Chunk, data.Length - at)));
        }
        foreach (var token in windows.Tokens) hash.AppendData(BitConverter.GetBytes(token));
        hash.AppendData(Encoding.UTF8.GetBytes($"{windows.Window} {windows.Count} {settings}"));
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..16];
    }

    /// <summary>What was fitted, or null.</summary>
    public byte[]? Fit => Read("fit");

    /// <summary>Keeps what was fitted.</summary>
    public void KeepFit(byte[] fit) => Write("fit", fit);

    /// <summary>The layers of a site, or null where they are not done.</summary>
    public StoredLinear[]? Site(int index)
    {
        if (Read($"site-{index}") is not { } bytes) return null;
        using var reader = new BinaryReader(new MemoryStream(bytes));
        return [.. Enumerable.Range(0, reader.ReadInt32()).Select(_ => ReadLinear(reader))];
    }

    /// <summary>Keeps the layers of a site.</summary>
    public void KeepSite(int index, StoredLinear[] layers)
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        writer.Write(layers.Length);
        foreach (var layer in layers) Write(writer, layer);
        writer.Flush();
        Write($"site-{index}", stream.ToArray());
    }

    /// <summary>Removes the folder: the output is whole.</summary>
    public void Remove() => Directory.Delete(_path, recursive: true);

    byte[]? Read(string name) => Path.Combine(_path, name) is var file && File.Exists(file) ? File.ReadAllBytes(file) : null;

    void Write(string name, byte[] bytes)
    {
        var temporary = Path.Combine(_path, $"{name}.tmp");
        File.WriteAllBytes(temporary, bytes);
        File.Move(temporary, Path.Combine(_path, name), overwrite: true);
    }

    static void Write(BinaryWriter writer, StoredLinear layer)
    {
        writer.Write(layer.Operator);
        writer.Write(layer.Domain);
        writer.Write(layer.Error);
        writer.Write(layer.Attributes.Count);
        foreach (var (name, value) in layer.Attributes)
        {
            writer.Write(name);
            writer.Write(value);
        }
        writer.Write(layer.Tensors.Count);
        foreach (var (name, tensor) in layer.Tensors)
        {
            writer.Write(name);
            writer.Write(tensor is not null);
            if (tensor is null) continue;
            writer.Write((int)tensor.Element);
            writer.Write(tensor.Rank);
            foreach (var dim in tensor.Dims) writer.Write(dim);
            writer.Write(tensor.Data.Span.Length);
            writer.Write(tensor.Data.Span);
        }
    }

    static StoredLinear ReadLinear(BinaryReader reader)
    {
        var (name, domain, error) = (reader.ReadString(), reader.ReadString(), reader.ReadDouble());
        (string, long)[] attributes = [.. Enumerable.Range(0, reader.ReadInt32()).Select(_ => (reader.ReadString(), reader.ReadInt64()))];
        (string, Tensor?)[] tensors = [.. Enumerable.Range(0, reader.ReadInt32()).Select(_ => (reader.ReadString(), reader.ReadBoolean() ? ReadTensor(reader) : null))];
        return new(name, domain, attributes, tensors, error);
    }

    static Tensor ReadTensor(BinaryReader reader)
    {
        var element = (ElementType)reader.ReadInt32();
        long[] dims = [.. Enumerable.Range(0, reader.ReadInt32()).Select(_ => reader.ReadInt64())];
        return new(element, dims, new TensorData(reader.ReadBytes(reader.ReadInt32())));
    }
}
