using System.Globalization;
using OnnxEff.GraphPasses;
using OnnxEff.GraphPasses.Layers;
using OnnxEff.Ir.Onnx;
using OnnxEff.Runtime;

namespace OnnxEff.Cli.Coverage;

/// <summary>What became of one model for one target, and whether it computes what it should.</summary>
/// <param name="Model">The name of the model's folder.</param>
/// <param name="Target">The target.</param>
/// <param name="Fused">For each of <see cref="Shown"/>: the layers in which it is whole, of those that have it.</param>
/// <param name="Agreement">How far the results agree with the reference cases (a model without any: with its original); null if they do not.</param>
/// <param name="Sentences">Why something was left, each once.</param>
public sealed record CoverageRow(string Model, Target Target, IReadOnlyList<string> Fused, string? Agreement, IReadOnlyList<string> Sentences)
{
    /// <summary>The meanings that have a column.</summary>
    public static IReadOnlyList<string> Shown { get; } = [Meanings.Attention, Meanings.Norm, Meanings.Rotary, Meanings.Mlp];

    /// <summary>True if no part was left in any layer.</summary>
    public bool IsWhole => Sentences.Count == 0;

    /// <summary>Rewrites the model of a folder for each target and runs the results on the folder's reference cases.</summary>
    public static IEnumerable<CoverageRow> Of(string folder)
    {
        var (original, cases) = (LoadedModel.Load(folder), ReferenceData.In(folder));
        foreach (var target in Enum.GetValues<Target>())
            yield return Of(original, target, cases) with { Model = Path.GetFileName(folder) };
    }

    static CoverageRow Of(LoadedModel original, Target target, IReadOnlyList<ReferenceData> cases)
    {
        var model = OnnxReader.Load(original.Path);
        var report = Optimizer.Run(model, new() { Target = target }, new OrtEvaluator());
        var scratch = Directory.CreateTempSubdirectory("onnxeff-coverage-").FullName;
        try
        {
            var output = Path.Combine(scratch, "model.onnx");
            OnnxWriter.Save(model, output);
            return new("", target, [.. Shown.Select(meaning => Whole(report, meaning))], Compare(original, LoadedModel.Load(output), cases),
                [.. report.Layers.Where(line => line.IsRefused).Select(line => $"{line.Meaning}: {line.Sentence}").Distinct()]);
        }
        finally
        {
            Directory.Delete(scratch, recursive: true);
        }
    }

    static string? Compare(LoadedModel original, LoadedModel rewritten, IReadOnlyList<ReferenceData> cases)
    {
        const int threads = 1;
        var tolerance = Math.Max(Verifier.ToleranceOf(original.Model.Graph), Verifier.ToleranceOf(rewritten.Model.Graph));
        var within = $"≤ {tolerance.ToString("0e+0", CultureInfo.InvariantCulture)}";
        if (cases.Count == 0)
            return Verifier.Compare(original.ToVerify(threads), rewritten.ToVerify(threads), new() { Tolerance = tolerance }).Passed ? $"{within} to the original" : null;
        using var session = OrtSession.Open(rewritten.Path, rewritten.Options(threads));
        return cases.All(one => one.Compare(session, tolerance).All(difference => difference.Passed)) ? within : null;
    }

    /// <summary>"2/2": in how many of the layers that have such a part it is whole; "experts stay" for mixtures of experts.</summary>
    static string Whole(OptimizeReport report, string meaning)
    {
        var layers = report.Layers.Where(line => line.Layer >= 0 && line.Meaning == meaning && line.Became != "none in this layer").GroupBy(line => line.Layer).ToArray();
        var intact = layers.Count(layer => layer.All(line => line.Became == "mixture of experts, left intact"));
        return layers.Length == 0 ? "none" : intact == layers.Length ? "experts stay"
            : $"{layers.Count(layer => layer.All(line => !line.IsRefused))}/{layers.Length}";
    }
}
