using System.Text.Json;

namespace OnnxEff.Runtime;

/// <content>The JSON form: a list of ids, or a list of such lists, which are read one behind the other.</content>
public static partial class TokenFile
{
    static int[] ReadJson(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            using var json = JsonDocument.Parse(file);
            if (json.RootElement.ValueKind != JsonValueKind.Array) throw NotIds(path, json.RootElement);
            var ids = new List<int>();
            foreach (var element in json.RootElement.EnumerateArray())
            {
                if (element.ValueKind == JsonValueKind.Array)
                    foreach (var inner in element.EnumerateArray()) ids.Add(Id(path, inner));
                else
                    ids.Add(Id(path, element));
            }
            return [.. ids];
        }
        catch (JsonException fault)
        {
            throw new InvalidDataException($"'{path}' is no JSON: line {fault.LineNumber + 1} cannot be read.", fault);
        }
    }

    static int Id(string path, JsonElement element) =>
        element.ValueKind == JsonValueKind.Number && element.TryGetInt32(out var id) ? id : throw NotIds(path, element);

    static InvalidDataException NotIds(string path, JsonElement element)
    {
        const int Shown = 40;
        var text = element.GetRawText();
        return new($"'{path}' is neither a list of token ids nor a list of such lists: it holds {(text.Length <= Shown ? text : text[..Shown] + "…")}.");
    }
}
