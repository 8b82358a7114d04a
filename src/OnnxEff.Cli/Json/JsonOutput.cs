using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace OnnxEff.Cli.Json;

/// <summary>The result of <c>generate --json</c>.</summary>
sealed record GenerationJson(int[] Prompt, int[] Tokens, string? Text, double PromptMilliseconds, double TokensPerSecond);

/// <summary>Code for writing each result, made at build time: nothing is looked up by reflection.</summary>
[JsonSourceGenerationOptions(
    WriteIndented = true, NewLine = "\n", PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(GenerationJson))]
[JsonSerializable(typeof(DoctorJson))]
sealed partial class JsonContracts : JsonSerializerContext
{
    /// <summary>As declared, and with text left readable: the results go into no web page.</summary>
    public static JsonContracts Readable { get; } = new(new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}

/// <summary>Results as JSON texts.</summary>
static class JsonOutput
{
    public static string ToJson(this GenerationJson result) => JsonSerializer.Serialize(result, JsonContracts.Readable.GenerationJson);

    public static string ToJson(this DoctorJson result) => JsonSerializer.Serialize(result, JsonContracts.Readable.DoctorJson);
}
