using System.Text.Json;
using System.Text.RegularExpressions;

namespace OnnxEff.Decoding;

/// <summary>Cuts text into the pieces that byte-pair merges never cross, as a tokenizer.json describes it.</summary>
sealed partial class PreTokenizer
{
    // A pattern comes from a file; matching it must end.
    static readonly TimeSpan PatternTimeout = TimeSpan.FromSeconds(10);

    readonly List<Func<string, IEnumerable<string>>> steps = [];

    /// <summary>Reads the description; null stands for none.</summary>
    /// <exception cref="NotSupportedException">A kind of step that is not known.</exception>
    public PreTokenizer(JsonElement? description)
    {
        if (description is { ValueKind: JsonValueKind.Object } step) Add(step);
    }

    /// <summary>The pieces of a text, in order.</summary>
    public IEnumerable<string> Split(string text) =>
        steps.Aggregate((IEnumerable<string>)[text], (pieces, step) => pieces.SelectMany(step));

    void Add(JsonElement step)
    {
        var type = step.GetProperty("type").GetString();
        switch (type)
        {
            case "Sequence":
                foreach (var inner in step.GetProperty("pretokenizers").EnumerateArray()) Add(inner);
                break;
            case "ByteLevel":
                if (IsTrue(step, "add_prefix_space")) steps.Add(text => [text.StartsWith(' ') ? text : " " + text]);
                if (!step.TryGetProperty("use_regex", out var use) || use.GetBoolean()) steps.Add(text => Pieces(ByteLevel(), text));
                break;
            case "Digits":
                var digits = IsTrue(step, "individual_digits") ? SingleDigit() : DigitRun();
                steps.Add(text => Isolate(digits, text));
                break;
            case "Split":
                AddSplit(step);
                break;
            default:
                throw new NotSupportedException($"The tokenizer's pre-tokenizer '{type}' is not supported.");
        }
    }

    void AddSplit(JsonElement step)
    {
        var pattern = step.GetProperty("pattern");
        var text = pattern.TryGetProperty("Regex", out var regex) ? regex.GetString()! : Regex.Escape(pattern.GetProperty("String").GetString()!);
        Regex split;
        try
        {
            split = new(text, RegexOptions.CultureInvariant, PatternTimeout);
        }
        catch (ArgumentException e)
        {
            throw new NotSupportedException($"The tokenizer's pattern is not understood: {e.Message}");
        }
        var behaviour = step.GetProperty("behavior").GetString();
        if (behaviour == "Isolated") steps.Add(piece => Isolate(split, piece));
        else if (behaviour == "Removed" && IsTrue(step, "invert")) steps.Add(piece => Pieces(split, piece));
        else throw new NotSupportedException($"The tokenizer's split behaviour '{behaviour}' is not supported.");
    }

    static bool IsTrue(JsonElement step, string name) =>
        step.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.True;

    static IEnumerable<string> Pieces(Regex pattern, string text)
    {
        for (var match = pattern.Match(text); match.Success; match = match.NextMatch())
            if (match.Length > 0) yield return match.Value;
    }

    // Matches and what lies between them.
    static IEnumerable<string> Isolate(Regex pattern, string text)
    {
        var at = 0;
        for (var match = pattern.Match(text); match.Success; match = match.NextMatch())
        {
            if (match.Length == 0) continue;
            if (match.Index > at) yield return text[at..match.Index];
            yield return match.Value;
            at = match.Index + match.Length;
        }
        if (at < text.Length) yield return text[at..];
    }

    [GeneratedRegex(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", RegexOptions.CultureInvariant)]
    private static partial Regex ByteLevel();

    [GeneratedRegex(@"\p{N}", RegexOptions.CultureInvariant)]
    private static partial Regex SingleDigit();

    [GeneratedRegex(@"\p{N}+", RegexOptions.CultureInvariant)]
    private static partial Regex DigitRun();
}
