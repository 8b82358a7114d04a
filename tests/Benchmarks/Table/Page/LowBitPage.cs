using System.Globalization;
using System.Text;

namespace OnnxEff.Benchmarks.Table.Page;

/// <summary>What the page says about where it was made.</summary>
sealed record PageFacts(string Processor, string Isa, int Threads, string OnnxRuntime, string Build);

/// <summary>A row of the page.</summary>
/// <param name="Form">The form.</param>
/// <param name="Row">What was measured; null for nothing.</param>
/// <param name="Failure">Why nothing was.</param>
sealed record PageRow(TableForm Form, TableRow? Row, string? Failure);

/// <summary>The rows of a model.</summary>
sealed record PageSection(string Title, string Protocol, IReadOnlyList<PageRow> Rows)
{
    /// <summary>Perplexity of fp32, where it was measured.</summary>
    public double? Base => Rows.FirstOrDefault(row => row.Form.Name == TableForm.Base)?.Row?.Perplexity;

    /// <summary>How much a row's perplexity is above it.</summary>
    public double? Loss(PageRow row) => row.Row?.Perplexity / Base - 1;
}

/// <summary>Quality, size and speed of low-bit models as a page and a diagram.</summary>
sealed class LowBitPage(PageFacts facts, IReadOnlyList<PageSection> sections)
{
    static readonly CultureInfo English = CultureInfo.InvariantCulture;

    static readonly string[] Head =
        ["form", "bits / weight", "file", "perplexity", "over fp32", "KL to fp32", "same top 1", "tg128 t/s (× fp32)", "pp512 t/s (× fp32)", "quantising", "peak memory", "verdict"];

    /// <summary>The diagram: a panel for each model.</summary>
    public string ToSvg() => QualityPlot.Draw([.. sections.Select(section => new QualityPanel(section.Title,
        [.. section.Rows.Where(row => row.Form is { Family: not FormFamily.Fp32 } or { Name: TableForm.Base }) // The others would stand on the base.
            .Where(row => row.Row?.FileBytes is not null && section.Loss(row) is not null)
            .Select(row => new QualityPoint(row.Form.Name, row.Form.Family, row.Row!.FileBytes!.Value, section.Loss(row)!.Value))]))]);

    /// <summary>The page.</summary>
    public string ToMarkdown()
    {
        var text = new StringBuilder();
        text.Append(English, $"""
            # What low-bit weights cost and bring

            Written by `./build.sh table low-bit`, which measures every form that `onnxeff compress` makes; do not edit it.

            {UsabilityRule.Sentence} Small models lose more than large ones at the same bits: measure yours with `onnxeff eval OUT --reference MODEL`.

            ![Loss of perplexity against the size of the file](low-bit.svg)

            - Machine: {facts.Processor}, {facts.Threads} {(facts.Threads == 1 ? "thread" : "threads")}; operator library at level {facts.Isa}; ONNX Runtime {facts.OnnxRuntime}; build {facts.Build} of onnxeff.
            - Bits: everything that is stored of the quantised matrices (scales, codebooks, permutations, outliers), by their weights. The embedding, the head and norms keep their values: they stay fp32, or with forms of the operator library lie on the grid on which they lay before, if there was one; file: the whole model.
            - KL and same top 1: against the exported file, position by position, in nats and in per cent.
            - tg128, pp512: tokens per second as llama-bench counts them, mean ± standard deviation; each row took turns with fp32 (target onnxeff) in one process, and × says how many times its speed. A prompt computes the logits of all its positions.
            - `vq` and `vptq` need the operator library. `int2`, `int4` and `int8` are ONNX Runtime's MatMulNBits after GPTQ with a scale and a zero point for 64, 32 and 128 inputs, and need none.
            - All of them run at accuracy level 4, where products round activations to one byte, or with AVX2 those of many rows to 14 bits; `exact` rounds nothing, and `exact, bytes` is the same weights at level 4.
            - –: there is no such figure, or the list below the table says why it is missing.

            """);
        foreach (PageSection section in sections) Section(text, section);
        Published(text);
        return text.ToString();
    }

    void Section(StringBuilder text, PageSection section)
    {
        text.Append(English, $"\n## {section.Title}\n\n{section.Protocol}\n\n");
        PageRow[] shown = [.. section.Rows.Where(row => row.Row is { Refusal: null })];
        if (shown.Length > 0)
        {
            Line(text, Head);
            Line(text, ["---", .. Enumerable.Repeat("---:", Head.Length - 2), "---"]);
            foreach (PageRow row in shown) Line(text, Cells(section, row));
        }
        string[] missing = [.. section.Rows.SelectMany(row => Missing(section, row).Select(sentence => (row.Form.Name, Sentence: sentence)))
            .GroupBy(one => one.Sentence, one => one.Name).Select(group => $"{string.Join("; ", group)}: {group.Key}")];
        if (missing.Length > 0) text.Append(English, $"{(shown.Length > 0 ? "\n" : "")}Missing:\n\n{string.Concat(missing.Select(sentence => $"- {sentence}\n"))}");
    }

    static string[] Cells(PageSection section, PageRow row)
    {
        TableRow r = row.Row!;
        double? loss = section.Loss(row);
        return
        [
            row.Form.Name, Cell(r.BitsPerWeight, "0.00"), r.FileBytes is { } bytes ? Bytes(bytes) : "–", Cell(r.Perplexity, "0.000"), loss is { } l ? Percent(l) : "–",
            r.Kl is { } kl ? Divergence(kl) : "–", r.TopOneAgreement is { } share ? (share * 100).ToString("0.0", English) + " %" : "–", Rate(r.Generation), Rate(r.Prompt),
            r.Seconds is { } seconds ? Time(seconds) : "–", r.PeakBytes is { } peak ? Bytes(peak) : "–", loss is { } known ? UsabilityRule.Of(known).Text() : "–",
        ];
    }

    IEnumerable<string> Missing(PageSection section, PageRow row)
    {
        if (row.Failure is { } failure) yield return failure;
        if (row.Row is not { } r)
        {
            if (row.Failure is null) yield return "not measured yet.";
            yield break;
        }
        if (r.Refusal is { } refusal)
        {
            yield return $"the model cannot have it. {refusal}";
            yield break;
        }
        if (r.Build != facts.Build) yield return $"measured with build {r.Build}.";
        if (section.Base is null) yield return "no loss, because fp32 was not measured.";
        if (r.Generation is null) yield return "tokens per second were not measured yet.";
        if (r.PeakBytes is not null && r.Seconds is null) yield return "no time, because quantising was cut off and went on later.";
    }

    static void Published(StringBuilder text)
    {
        text.Append(English, $"""

            ## What others publish

            Not measured here: llama.cpp's k-quants and i-quants of other models, for the size of the loss only. Source: {PublishedTable.Source}. Bits are of the
            whole file, against 16 of the fp16 file. "For a text": quantised with an importance matrix, as all forms above but exact are quantised for a calibration text.


            """);
        Line(text, ["model", "format", "for a text", "bits / weight", "file", "perplexity", "over fp16", "KL to fp16", "verdict by the same rule"]);
        Line(text, ["---", "---", "---", .. Enumerable.Repeat("---:", 5), "---"]);
        foreach (PublishedTable table in PublishedTable.All)
            foreach (PublishedLoss loss in table.Losses)
            {
                double over = loss.Perplexity / table.Perplexity - 1;
                Line(text, [table.Model, loss.Format, loss.UsesText ? "yes" : "no", Cell(16 * loss.GiB / table.GiB, "0.00"), $"{Cell(loss.GiB, "0.00")} GiB", Cell(loss.Perplexity, "0.000"),
                    Percent(over), loss.Kl is { } kl ? Divergence(kl) : "–", UsabilityRule.Of(over).Text()]);
            }
    }

    static string Cell(double? value, string format) => value?.ToString(format, English) ?? "–";

    static string Percent(double part) => (part * 100).ToString("+0.0;-0.0;0.0", English) + " %";

    // Divergences of fp32 from itself are rounding: any digit of them would be noise.
    static string Divergence(double kl) => kl < 1e-4 ? "< 0.0001" : kl.ToString("0.0000", English);

    static string Rate(Speed? speed) => speed is null ? "–" : string.Create(English, $"{speed.Mean:0.0} ± {speed.Deviation:0.0} ({speed.OverBase:0.00}×)");

    static string Bytes(long bytes) => string.Create(English, $"{bytes / (double)(1 << 20):0.0} MiB");

    static string Time(double seconds) => seconds >= 90 ? string.Create(English, $"{seconds / 60:0.0} min") : string.Create(English, $"{seconds:0} s");

    static void Line(StringBuilder text, IEnumerable<string> cells) => text.Append(English, $"| {string.Join(" | ", cells)} |\n");
}
