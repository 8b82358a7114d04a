using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace OnnxEff.Cli.Json;

/// <summary>The result of <c>generate --json</c>.</summary>
sealed record GenerationJson(int[] Prompt, int[] Tokens, string? Text, double PromptMilliseconds, double TokensPerSecond);

/// <summary>Code for writing each result, made at build time: nothing is looked up by reflection.</summary>
[JsonSerializable(typeof(GenerationJson))]
[JsonSerializable(typeof(DiffJson))]
[JsonSerializable(typeof(DoctorJson))]
[JsonSerializable(typeof(OptimizeJson))]
[JsonSerializable(typeof(CompressJson))]
[JsonSerializable(typeof(ImportJson))]
[JsonSerializable(typeof(InspectJson))]
[JsonSerializable(typeof(PassJson[]))]
sealed partial class JsonContracts : JsonSerializerContext
{
    /// <summary>Indented, names with underscores, and text left readable: the results go into no web page.</summary>
    public static JsonContracts Readable { get; } = new(new JsonSerializerOptions
    {
        WriteIndented = true,
        NewLine = "\n",
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}

/// <summary>Results as JSON texts.</summary>
static class JsonOutput
{
    /// <summary>The text, with a line break at its end.</summary>
    public static string Text<T>(T result, JsonTypeInfo<T> contract) => JsonSerializer.Serialize(result, contract) + "\n";
}
