using System.Text;
using OnnxEff.GraphPasses;

namespace OnnxEff.Cli.Coverage;

/// <summary>The text of <c>docs/coverage.md</c>.</summary>
public static class CoverageDocument
{
    /// <summary>The rows of all models in the folders of a folder.</summary>
    public static IReadOnlyList<CoverageRow> Rows(string folder, IProgress<string>? progress = null)
    {
        var models = Directory.EnumerateDirectories(folder).Where(f => File.Exists(Path.Combine(f, "model.onnx"))).Order(StringComparer.Ordinal).ToArray();
        if (models.Length == 0) throw new CommandException(ExitCode.InputOutput, $"No folder in '{folder}' holds a model.onnx.");
        return [.. models.SelectMany(model =>
        {
            progress?.Report($"Rewriting {Path.GetFileName(model)}");
            return CoverageRow.Of(model);
        })];
    }

    /// <summary>The document with these rows.</summary>
    public static string Text(IReadOnlyList<CoverageRow> rows)
    {
        var sentences = rows.SelectMany(row => row.Sentences).Distinct().Order(StringComparer.Ordinal).ToArray();
        var models = rows.GroupBy(row => row.Model).ToArray();
        var text = new StringBuilder();
        text.Append($"""
            # Coverage

            What becomes of the layers of exported models, and whether the rewritten files compute what they should. `onnxeff emit coverage FOLDER`
            writes this: it rewrites the model in each folder of FOLDER for each target and runs the result on the reference cases beside it.

            - *attention, norm, rotary, mlp*: in how many of the layers that have it the part is one operator of the raised vocabulary that the
              target can say. The experts of a mixture stay as they are.
            - *verified*: the largest difference that all outputs of all reference cases keep, relative to the largest value of an output: 1e-4 in
              single precision, 2e-2 where there are half-precision values, 5e-2 where activations are rounded to 8 bits.
            - *left*: the sentences below that say why.

            {models.Length} models; in {models.Count(m => m.All(row => row.IsWhole))} of them nothing is left for any target. {rows.Count(row => row.Agreement is not null)} of {rows.Count} rewritten files are verified.

            | model | target | {string.Join(" | ", CoverageRow.Shown)} | verified | left |
            | --- | --- |{string.Concat(CoverageRow.Shown.Select(_ => " --- |"))} --- | --- |

            """);
        text.AppendJoin("", models.SelectMany(model => Lines(model, sentences)));
        if (sentences.Length > 0) text.Append("\nWhat was left, and why:\n\n");
        for (var i = 0; i < sentences.Length; i++) text.Append($"{i + 1}. {sentences[i]}\n");
        return text.Replace("\r", "").ToString();
    }

    /// <summary>The lines of one model: one for all targets that are alike.</summary>
    public static IEnumerable<string> Lines(IEnumerable<CoverageRow> model, string[] sentences)
    {
        string Rest(CoverageRow row) => $"{string.Join(" | ", row.Fused)} | {row.Agreement ?? "**no**"} | {string.Join(", ", row.Sentences.Select(s => Array.IndexOf(sentences, s) + 1).Order())}";
        return model.GroupBy(Rest).Select(alike => $"| {alike.First().Model} | {Targets([.. alike.Select(row => row.Target)])} | {alike.Key} |\n");
    }

    static string Targets(Target[] targets) => targets.Length == Enum.GetValues<Target>().Length ? "all" : string.Join(", ", targets).ToLowerInvariant();
}
