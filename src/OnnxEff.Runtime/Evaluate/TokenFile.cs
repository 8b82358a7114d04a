using System.Buffers.Binary;
using System.Text;
using System.Text.RegularExpressions;

namespace OnnxEff.Runtime;

/// <summary>Reads token ids from NumPy's <c>.npy</c> files and from JSON.</summary>
public static partial class TokenFile
{
    /// <summary>The ids of a one-dimensional array of 32- or 64-bit integers; of a file that ends in <c>.json</c>, those of a list or of a list of lists.</summary>
    /// <exception cref="InvalidDataException">The file is no such array or list.</exception>
    public static int[] Read(string path) => IsJson(path) ? ReadJson(path) : ReadNpy(path);

    /// <summary>True if a file's name says that it holds ids.</summary>
    public static bool IsNamed(string path) => IsJson(path) || path.EndsWith(".npy", StringComparison.OrdinalIgnoreCase);

    static bool IsJson(string path) => path.EndsWith(".json", StringComparison.OrdinalIgnoreCase);

    static int[] ReadNpy(string path)
    {
        using var file = File.OpenRead(path);
        var start = new byte[10];
        if (file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) < start.Length || !IsMagic(start))
            throw new InvalidDataException($"'{path}' is not an .npy file.");
        int length = BinaryPrimitives.ReadUInt16LittleEndian(start.AsSpan(8));
        if (start[6] != 1) throw new InvalidDataException($"'{path}' is an .npy file of version {start[6]}; 1 is expected.");
        var header = new byte[length];
        if (file.ReadAtLeast(header, length, throwOnEndOfStream: false) < length)
            throw new InvalidDataException($"'{path}' ends inside its header.");

        var text = Encoding.Latin1.GetString(header);
        var shape = Shape().Match(text);
        var width = text.Contains("'<i4'", StringComparison.Ordinal) ? 4 : text.Contains("'<i8'", StringComparison.Ordinal) ? 8 : 0;
        if (width == 0 || !shape.Success || !long.TryParse(shape.Groups[1].ValueSpan, out var count))
            throw new InvalidDataException($"'{path}' is not a one-dimensional array of int32 or int64: {text.Trim()}");
        if (count < 0 || count > (file.Length - file.Position) / width)
            throw new InvalidDataException($"'{path}' announces {count} ids and is too short for them.");

        var bytes = new byte[checked((int)(count * width))];
        file.ReadExactly(bytes);
        var ids = new int[count];
        for (var i = 0; i < ids.Length; i++)
            ids[i] = width == 4
                ? BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(i * 4))
                : checked((int)BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(i * 8)));
        return ids;
    }

    static bool IsMagic(ReadOnlySpan<byte> start) => start[0] == 0x93 && start[1..6].SequenceEqual("NUMPY"u8);

    [GeneratedRegex(@"'shape':\s*\((\d+),\s*\)")]
    private static partial Regex Shape();
}
