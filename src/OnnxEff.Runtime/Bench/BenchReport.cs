using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace OnnxEff.Runtime;

/// <summary>One line of a benchmark.</summary>
/// <param name="Model">The model's label.</param>
/// <param name="SizeBytes">Bytes of its files.</param>
/// <param name="Parameters">Its weights.</param>
/// <param name="Backend">What ran it.</param>
/// <param name="Threads">Threads; 0 where ONNX Runtime chose.</param>
/// <param name="Contract">The contract of the KV cache.</param>
/// <param name="Test">"pp512", "tg128", "tg128 @ d2048".</param>
/// <param name="Samples">Tokens per second of each repetition.</param>
public sealed record BenchRow(string Model, long SizeBytes, long Parameters, string Backend, int Threads, KvContract Contract,
    string Test, IReadOnlyList<double> Samples)
{
    /// <summary>Mean tokens per second.</summary>
    public double Mean => Samples.Average();

    /// <summary>The samples' standard deviation; 0 for a single one.</summary>
    public double Deviation => Samples.Count < 2 ? 0
        : Math.Sqrt(Samples.Sum(s => (s - Mean) * (s - Mean)) / (Samples.Count - 1));
}

/// <summary>A benchmark's lines, in llama-bench's order and columns.</summary>
/// <param name="Rows">The lines.</param>
public sealed record BenchReport(IReadOnlyList<BenchRow> Rows)
{
    /// <summary>A Markdown table.</summary>
    public string ToMarkdown()
    {
        string[] head = ["model", "size", "params", "backend", "threads", "test", "t/s"];
        var lines = Rows.Select(r =>
        {
            var size = new ModelSize(r.SizeBytes, r.Parameters);
            return (string[])[r.Model, size.BytesText, size.ParametersText, r.Backend, r.Threads.ToString(CultureInfo.InvariantCulture),
                r.Test, string.Create(CultureInfo.InvariantCulture, $"{r.Mean:F2} ± {r.Deviation:F2}")];
        }).ToList();
        var widths = head.Select((h, i) => lines.Select(l => l[i].Length).Append(h.Length).Max()).ToArray();
        var text = new StringBuilder();
        void Line(IReadOnlyList<string> cells) => text.Append("| ").AppendJoin(" | ",
            cells.Select((c, i) => i == 0 ? c.PadRight(widths[i]) : c.PadLeft(widths[i]))).Append(" |\n");
        Line(head);
        text.Append("| ").AppendJoin(" | ", widths.Select((w, i) => i == 0 ? new string('-', w) : new string('-', w - 1) + ":")).Append(" |\n");
        foreach (var line in lines) Line(line);
        return text.ToString();
    }

    /// <summary>Comma-separated values with a head line.</summary>
    public string ToCsv()
    {
        var text = new StringBuilder("model,size,params,backend,threads,contract,test,avg_ts,stddev_ts\n");
        foreach (var r in Rows)
            text.Append(CultureInfo.InvariantCulture, $"{Quote(r.Model)},{r.SizeBytes},{r.Parameters},{Quote(r.Backend)},")
                .Append(CultureInfo.InvariantCulture, $"{r.Threads},{r.Contract},{r.Test},{r.Mean:F4},{r.Deviation:F4}\n");
        return text.ToString();
    }

    /// <summary>JSON with every sample.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, RuntimeJson.Default.BenchReport);

    static string Quote(string text) => text.AsSpan().ContainsAny(',', '"', '\n')
        ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\""
        : text;
}

/// <summary>The reports of this library as JSON.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(BenchReport))]
[JsonSerializable(typeof(VerifyReport))]
[JsonSerializable(typeof(PerplexityReport))]
public sealed partial class RuntimeJson : JsonSerializerContext;
