using System.Buffers;
using System.Text;
using System.Text.Json;

namespace OnnxEff.Decoding;

/// <summary>
/// A byte-level BPE tokenizer as Hugging Face's <c>tokenizer.json</c> describes it. No token is added at the start or end of a
/// text: the post-processor of the file is left to the caller.
/// </summary>
public sealed class Tokenizer
{
    const long LargestFile = 256 << 20; // the largest public vocabularies take a tenth

    readonly Dictionary<string, int> vocabulary;
    readonly Dictionary<int, string> added;
    readonly string[] addedByLength;
    readonly SearchValues<string>? addedSearch;
    readonly PreTokenizer preTokenizer;
    readonly BytePairs pairs;
    readonly Dictionary<int, byte[]> bytes = [];
    readonly Dictionary<string, int[]> encoded = [];

    Tokenizer(JsonElement root)
    {
        var model = root.GetProperty("model");
        if (model.TryGetProperty("type", out var type) && type.GetString() is { } name && name != "BPE")
            throw new NotSupportedException($"The tokenizer's model is {name}; only byte-level BPE is supported.");
        if (root.TryGetProperty("normalizer", out var normalizer) && normalizer.ValueKind == JsonValueKind.Object
            && normalizer.GetProperty("type").GetString() is var normal and not "NFC")
            throw new NotSupportedException($"The tokenizer's normalizer '{normal}' is not supported.");
        Normalises = normalizer.ValueKind == JsonValueKind.Object;

        vocabulary = model.GetProperty("vocab").EnumerateObject().ToDictionary(t => t.Name, t => t.Value.GetInt32());
        added = root.TryGetProperty("added_tokens", out var tokens)
            ? tokens.EnumerateArray().ToDictionary(t => t.GetProperty("id").GetInt32(), t => t.GetProperty("content").GetString()!)
            : [];
        addedByLength = [.. added.Values.Where(t => t.Length > 0).OrderByDescending(t => t.Length)];
        addedSearch = addedByLength.Length > 0 ? SearchValues.Create(addedByLength, StringComparison.Ordinal) : null;
        preTokenizer = new(root.TryGetProperty("pre_tokenizer", out var pre) ? pre : null);
        pairs = new(vocabulary, model.GetProperty("merges").EnumerateArray().Select(Merge),
            model.TryGetProperty("ignore_merges", out var ignore) && ignore.ValueKind == JsonValueKind.True);
        foreach (var (token, id) in vocabulary)
            if (!added.ContainsKey(id) && ByteAlphabet.ToBytes(token) is { } content) bytes[id] = content;
        foreach (var (id, content) in added) vocabulary[content] = id;
    }

    /// <summary>The number of ids: one more than the highest.</summary>
    public int Count => vocabulary.Count == 0 ? 0 : vocabulary.Values.Max() + 1;

    bool Normalises { get; }

    /// <summary>Reads a <c>tokenizer.json</c>.</summary>
    /// <exception cref="InvalidDataException">The file is no tokenizer.</exception>
    /// <exception cref="NotSupportedException">It is one of a kind that is not supported.</exception>
    public static Tokenizer Load(string path)
    {
        if (new FileInfo(path).Length > LargestFile)
            throw new InvalidDataException($"'{path}' is larger than any tokenizer.");
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            return new(document.RootElement);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException
            or ArgumentException)
        {
            throw new InvalidDataException($"'{path}' is not a tokenizer.json: {e.Message}");
        }
    }

    /// <summary>The id of a token given as it stands in the file, such as <c>&lt;|endoftext|&gt;</c>; null if there is none.</summary>
    public int? Find(string token) => vocabulary.TryGetValue(token, out var id) ? id : null;

    /// <summary>The tokens of a text. Added tokens are recognised where they are spelt out.</summary>
    public int[] Encode(string text)
    {
        if (Normalises) text = text.Normalize(NormalizationForm.FormC);
        var ids = new List<int>();
        var rest = text.AsSpan();
        while (rest.Length > 0)
        {
            var at = addedSearch is null ? -1 : rest.IndexOfAny(addedSearch);
            foreach (var piece in preTokenizer.Split((at < 0 ? rest : rest[..at]).ToString())) Append(ids, piece);
            if (at < 0) break;
            rest = rest[at..];
            foreach (var token in addedByLength)
            {
                if (!rest.StartsWith(token, StringComparison.Ordinal)) continue;
                ids.Add(vocabulary[token]);
                rest = rest[token.Length..];
                break;
            }
        }
        return [.. ids];
    }

    /// <summary>The text of tokens; bytes that are no UTF-8 become U+FFFD, unknown ids nothing.</summary>
    public string Decode(ReadOnlySpan<int> ids)
    {
        var text = new MemoryStream();
        foreach (var id in ids) text.Write(Bytes(id));
        return Encoding.UTF8.GetString(text.GetBuffer(), 0, (int)text.Length);
    }

    /// <summary>The UTF-8 bytes of one token, possibly a part of a character; empty for unknown ids.</summary>
    public ReadOnlySpan<byte> Bytes(int id) =>
        added.TryGetValue(id, out var content) ? Encoding.UTF8.GetBytes(content) : bytes.GetValueOrDefault(id) ?? [];

    void Append(List<int> ids, string piece)
    {
        if (piece.Length == 0) return;
        if (!encoded.TryGetValue(piece, out var tokens))
        {
            tokens = pairs.Encode(ByteAlphabet.Write(piece));
            // Words repeat; what is long does not.
            if (piece.Length <= 32 && encoded.Count < 100_000) encoded.Add(piece, tokens);
        }
        ids.AddRange(tokens);
    }

    static (string, string) Merge(JsonElement merge)
    {
        if (merge.ValueKind == JsonValueKind.Array) return (merge[0].GetString()!, merge[1].GetString()!);
        var text = merge.GetString()!;
        var space = text.IndexOf(' ');
        return space > 0 ? (text[..space], text[(space + 1)..]) : throw new InvalidDataException($"'{text}' is no merge.");
    }
}

/// <summary>Turns tokens into text one at a time, holding back the bytes of characters that are not complete.</summary>
public sealed class TokenStream(Tokenizer tokenizer)
{
    readonly Decoder decoder = Encoding.UTF8.GetDecoder();

    /// <summary>The text that a token completes; often empty inside of characters.</summary>
    public string Append(int id)
    {
        var source = tokenizer.Bytes(id);
        var text = new char[Encoding.UTF8.GetMaxCharCount(source.Length + 4)];
        return new(text, 0, decoder.GetChars(source, text, flush: false));
    }
}
