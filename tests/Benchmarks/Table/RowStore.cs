using System.Text.Json;
using System.Text.Json.Serialization;

namespace OnnxEff.Benchmarks.Table;

/// <summary>Rows as files, so that a run that was cut off goes on.</summary>
/// <param name="folder">Where they are.</param>
/// <param name="build">The tool's build.</param>
/// <param name="anyBuild">Take rows that another build measured.</param>
sealed class RowStore(string folder, string build, bool anyBuild)
{
    /// <summary>The row, where it was measured.</summary>
    public TableRow? Find(TableModel model, TableForm form)
    {
        string path = PathOf(model.Name, form.FileName);
        if (!File.Exists(path)) return null;
        try
        {
            var row = JsonSerializer.Deserialize(File.ReadAllText(path), TableJson.Default.TableRow);
            return row is not null && (anyBuild || row.Build == build) ? row : null;
        }
        catch (JsonException)
        {
            return null; // Cut off in the middle of a write.
        }
    }

    /// <summary>Keeps it.</summary>
    public TableRow Save(TableRow row, TableForm form)
    {
        string path = PathOf(row.Model, form.FileName);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, JsonSerializer.Serialize(row, TableJson.Default.TableRow) + "\n");
        return row;
    }

    string PathOf(string model, string form) => Path.Combine(folder, model, $"{form}.json");
}

/// <summary>Rows as JSON.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, NewLine = "\n", PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(TableRow))]
sealed partial class TableJson : JsonSerializerContext;
