using Google.Protobuf;

namespace OnnxEff.Ir.Onnx;

/// <summary>
/// Reads ONNX files. Large payloads, in the file or in external ones, stay where they are and are mapped into memory.
/// Everything in the file survives a round trip through the writer.
/// </summary>
public static class OnnxReader
{
    /// <summary>Reads a model and finds its external data, which must lie in the model's folder.</summary>
    /// <exception cref="InvalidModelException">The file is no legal ONNX model; the message says where and why.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static Model Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var file = new MappedFile(path);
        if (file.Length > int.MaxValue)
        {
            throw new InvalidModelException(
                $"'{path}' has {file.Length} bytes, but an ONNX graph ends before 2 GiB; store its weights as external data.");
        }
        RefuseOtherFormats(file.Span);
        var slim = SlimMessage.Of(file.Span);
        var source = new PayloadSource(file, path, slim.Payloads);
        var model = Read(slim, source);
        model.Path = Path.GetFullPath(path);
        model.SourceFiles = [file.Path, .. source.ExternalFiles];
        return model;
    }

    /// <summary>Reads a serialized model without external data.</summary>
    /// <exception cref="InvalidModelException">The bytes are no legal ONNX model; the message says where and why.</exception>
    public static Model Parse(byte[] bytes)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        RefuseOtherFormats(bytes);
        var slim = SlimMessage.Of(bytes);
        return Read(slim, new PayloadSource(bytes, slim.Payloads));
    }

    /// <summary>The one name of a domain: standard ONNX has two.</summary>
    internal static string Canonical(string domain) => domain == "ai.onnx" ? "" : domain;

    static Model Read(SlimMessage slim, PayloadSource source)
    {
        Wire.ModelProto proto;
        try
        {
            proto = Wire.ModelProto.Parser.ParseFrom(slim.Bytes);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new InvalidModelException($"The file is no legal ONNX model ({e.Message.TrimEnd('.')}); copy or export it again.", e);
        }
        if (proto.Graph is null)
            throw new InvalidModelException("The file holds no graph; give the path of an .onnx model.");
        return new ModelReader(source).Take(proto);
    }

    static void RefuseOtherFormats(ReadOnlySpan<byte> bytes)
    {
        var format = bytes.Length == 0 ? "is empty"
            : bytes.StartsWith("PK\x03\x04"u8) ? "is a zip archive"
            : bytes.Length >= 8 && bytes[4..8].SequenceEqual("ORTM"u8) ? "is in the ORT format"
            : bytes.StartsWith("GGUF"u8) ? "is in the GGUF format"
            : bytes.StartsWith("version https://git-lfs"u8) ? "is a Git LFS pointer"
            : bytes[0] is (byte)'{' or (byte)'<' or (byte)'#' ? "is a text"
            : null;
        if (format is not null)
            throw new InvalidModelException($"The file {format}, no ONNX model; give the path of an .onnx file.");
    }
}
