using System.Text;

namespace OnnxEff.Decoding;

/// <summary>
/// The printable stand-ins by which byte-level vocabularies write bytes: printable Latin-1 characters stand for themselves, the
/// 68 others for the characters from U+0100 on, in order.
/// </summary>
static class ByteAlphabet
{
    static readonly char[] ToCharTable = BuildToChar();
    static readonly Dictionary<char, byte> ToByteTable =
        Enumerable.Range(0, 256).ToDictionary(b => ToCharTable[b], b => (byte)b);

    /// <summary>The stand-in of a byte.</summary>
    public static char ToChar(byte value) => ToCharTable[value];

    /// <summary>The bytes of a vocabulary entry; null if a character is no stand-in.</summary>
    public static byte[]? ToBytes(string token)
    {
        var bytes = new byte[token.Length];
        for (var i = 0; i < bytes.Length; i++)
            if (!ToByteTable.TryGetValue(token[i], out bytes[i])) return null;
        return bytes;
    }

    /// <summary>Text as stand-ins of its UTF-8 bytes.</summary>
    public static string Write(ReadOnlySpan<char> text)
    {
        var bytes = new byte[Encoding.UTF8.GetMaxByteCount(text.Length)];
        var count = Encoding.UTF8.GetBytes(text, bytes);
        return string.Create(count, bytes, (chars, source) =>
        {
            for (var i = 0; i < chars.Length; i++) chars[i] = ToCharTable[source[i]];
        });
    }

    static char[] BuildToChar()
    {
        var table = new char[256];
        var next = (char)256;
        for (var b = 0; b < table.Length; b++)
        {
            var printable = b is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
            table[b] = printable ? (char)b : next++;
        }
        return table;
    }
}
