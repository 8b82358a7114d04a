using Google.Protobuf;
using Microsoft.Win32.SafeHandles;

namespace OnnxEff.Ir.Onnx;

/// <summary>
/// Writes ONNX files, whole or not at all: space is checked first, temporary files lie beside the targets, data is written
/// before the graph, and both are renamed at the end. Payloads are streamed from where they are.
/// </summary>
public static class OnnxWriter
{
    const long LargeModel = 64L << 20;

    /// <summary>Writes a model. Sorts its graphs; changes nothing else.</summary>
    /// <param name="model">The model.</param>
    /// <param name="path">The graph's file; external data goes to <c>path.data</c>.</param>
    /// <param name="options">How; null for the defaults.</param>
    /// <exception cref="InvalidGraphException">The graph has a cycle, reads what is not in it, or is too large for its form.</exception>
    /// <exception cref="IOException">A target exists or is an input of the model, or a file cannot be written.</exception>
    public static void Save(Model model, string path, SaveOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentException.ThrowIfNullOrEmpty(path);
        options ??= new SaveOptions();
        var target = Path.GetFullPath(path);
        var folder = Path.GetDirectoryName(target) ?? throw new IOException($"'{path}' is a folder; give the path of a file.");
        if (!Directory.Exists(folder))
            throw new DirectoryNotFoundException($"The folder '{folder}' does not exist; create it first.");
        var sources = SourcesOf(model);
        CheckTarget(target, sources, options.Overwrite);
        var obsolete = options.Overwrite ? DataOf(target, sources) : [];
        var dataPath = IsExternal(model, options) ? DataPath(target, sources, obsolete) : null;
        if (dataPath is not null)
            CheckTarget(dataPath, sources, options.Overwrite);

        var layout = dataPath is null ? null : new DataLayout(Path.GetFileName(dataPath));
        var proto = Build(model, layout, out var size);
        CheckSpace(folder, size + (layout?.Length ?? 0));
        using var files = new OutputFiles(options.Overwrite);
        if (layout is { Length: > 0 })
        {
            using var data = files.Create(dataPath!, layout.Length);
            WriteData(layout, data);
        }
        using (var graph = files.Create(target, size))
        {
            using var stream = new FileStream(graph, FileAccess.Write, bufferSize: 0);
            WriteTo(proto, stream);
            RandomAccess.FlushToDisk(graph);
        }
        files.Commit();
        foreach (var unread in obsolete)
            File.Delete(unread);
        GC.KeepAlive(model);
    }

    /// <summary>Serializes a model with all tensors in it.</summary>
    /// <exception cref="InvalidGraphException">The graph has a cycle, reads what is not in it, or takes 2 GiB or more.</exception>
    public static byte[] ToBytes(Model model)
    {
        ArgumentNullException.ThrowIfNull(model);
        var proto = Build(model, null, out var size);
        var bytes = new byte[size];
        using var stream = new MemoryStream(bytes);
        WriteTo(proto, stream);
        GC.KeepAlive(model);
        return bytes;
    }

    /// <summary>The data files that a model file reads and that are named after it, as <see cref="Save"/> names them; none where there is no model.</summary>
    public static IReadOnlyList<string> DataOf(string path)
    {
        if (!File.Exists(path))
            return [];
        var target = Path.GetFullPath(path);
        try
        {
            // Sources are named by their real paths, which may differ where a link leads to the folder.
            var read = OnnxReader.Load(target).SourceFiles;
            return [.. Directory.GetFiles(Path.GetDirectoryName(target)!, $"{Path.GetFileName(target)}*.data").Where(f => read.Any(r => FileIdentity.AreSame(r, f)))];
        }
        catch (Exception e) when (e is IOException or InvalidGraphException)
        {
            return []; // What is no model has no data.
        }
    }

    static Wire.ModelProto Build(Model model, DataLayout? layout, out int size)
    {
        var tensors = new TensorWriter(layout);
        var proto = ModelWriter.Write(model, tensors);
        size = proto.CalculateSize(); // Wraps around beyond 2 GiB.
        return size >= tensors.InlineBytes ? proto : throw TensorWriter.TooLarge();
    }

    static void WriteTo(Wire.ModelProto proto, Stream stream)
    {
        const int Buffer = 1 << 20; // Payloads pass through it.
        using var output = new CodedOutputStream(stream, Buffer, leaveOpen: true);
        proto.WriteTo(output);
    }

    static void WriteData(DataLayout layout, SafeFileHandle file)
    {
        const int Chunk = 8 << 20; // What is resident at a time.
        foreach (var (data, offset) in layout.Pieces)
        {
            for (long at = 0; at < data.Length; at += Chunk)
            {
                var count = (int)Math.Min(Chunk, data.Length - at);
                RandomAccess.Write(file, data.Slice(at, count), offset + at);
                data.Release(at, count);
            }
        }
        RandomAccess.FlushToDisk(file);
    }

    static string[] SourcesOf(Model model) => [.. model.SourceFiles
        .Concat(model.Tensors.Select(t => t.Data.File?.Path).OfType<string>())
        .Concat(model.Path is { } path ? [path] : []).Distinct()];

    static bool IsExternal(Model model, SaveOptions options) => options.ExternalData switch
    {
        ExternalData.Always => true,
        ExternalData.Never => false,
        _ => model.SourceFiles.Count > 1 || model.Tensors.DistinctBy(t => t.Data.Memory).Sum(t => t.Data.Length) >= LargeModel,
    };

    /// <summary>
    /// The data file's name: not that of a file the model is read from, nor that of the data which the old graph reads. The
    /// old pair stays whole until the new graph takes its name, which replaces both at once.
    /// </summary>
    static string DataPath(string target, string[] sources, string[] obsolete)
    {
        var path = $"{target}.data";
        for (var number = 1; IsSource(path, sources) || obsolete.Contains(path); number++)
            path = $"{target}.{number}.data";
        return path;
    }

    /// <summary>Data files that belong to the graph about to be replaced.</summary>
    static string[] DataOf(string target, string[] sources) => [.. DataOf(target).Where(f => !IsSource(f, sources))];

    static void CheckTarget(string target, string[] sources, bool overwrite)
    {
        if (Directory.Exists(target))
            throw new IOException($"'{target}' is a folder; give the path of a file.");
        if (IsSource(target, sources))
            throw new IOException($"'{target}' is a file that the model was read from; give another path.");
        if (!overwrite && File.Exists(target))
            throw new IOException($"'{target}' exists; give another path, or allow to overwrite it.");
    }

    static bool IsSource(string path, string[] sources) => Array.Exists(sources, s => FileIdentity.AreSame(s, path));

    static void CheckSpace(string folder, long needed)
    {
        if (new DriveInfo(folder).AvailableFreeSpace is var free && free < needed)
            throw new IOException($"The disk of '{folder}' has {free} bytes free, but {needed} are needed; make room or give another path.");
    }
}
