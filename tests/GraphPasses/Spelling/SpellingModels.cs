using OnnxEff.GraphPasses;
using OnnxEff.GraphPasses.Normalise;
using OnnxEff.Ir;
using OnnxEff.Ir.Onnx;
using OnnxEff.Rewriting;
using OnnxEff.Runtime;
using OnnxEff.Tests.GraphPasses.Raise.Attention;
using static OnnxEff.Tests.GraphPasses.Raise.Attention.DecoderSketch;

namespace OnnxEff.Tests.GraphPasses.Spelling;

/// <summary>The models whose spelling is changed, by name.</summary>
static class SpellingModels
{
    static readonly Dictionary<string, Func<Model>> Sketched = new()
    {
        ["sketch/plain"] = () => new DecoderSketch().Build().Model,
        ["sketch/window"] = () => new DecoderSketch { Window = 3, Scale = Factor.OnBoth, Mask = MaskKind.AddedLowest }.Build().Model,
        ["sketch/shows"] = () => new DecoderSketch { Mask = MaskKind.Shows, Scale = Factor.OnQuery, SplitsHalves = true }.Build().Model,
        ["sketch/hides"] = () => new DecoderSketch { Mask = MaskKind.Hides, Scale = Factor.DividesLogits, Repeat = "Tile" }.Build().Model,
        ["sketch/softcap"] = () => new DecoderSketch { Softcap = 5, GuardsNaN = true }.Build().Model,
        ["sketch/no-mask"] = () => new DecoderSketch { Mask = MaskKind.None, Scale = Factor.OnKeys }.Build().Model,
        ["sketch/no-cache"] = () => new DecoderSketch { HasCache = false }.Build().Model,
        ["mlp/silu-gated"] = () => MlpSketch.Build("silu", isGated: true),
        ["mlp/silu-fused"] = () => MlpSketch.Build("silu", isGated: true, isFused: true),
        ["mlp/gelu"] = () => MlpSketch.Build("gelu", isGated: false),
        ["mlp/gelu-tanh-gated"] = () => MlpSketch.Build("gelu-tanh", isGated: true),
        ["mlp/gelu-op"] = () => MlpSketch.Build("gelu-op", isGated: false),
        ["mlp/quick-gelu"] = () => MlpSketch.Build("quick-gelu", isGated: false),
        ["mlp/relu"] = () => MlpSketch.Build("relu", isGated: false),
        ["mlp/relu-squared"] = () => MlpSketch.Build("relu-squared", isGated: false),
        ["mlp/relu-gated"] = () => MlpSketch.Build("relu", isGated: true),
        ["mlp/clipped"] = () => MlpSketch.Build("clipped", isGated: true),
    };

    /// <summary>Small models that show one thing each.</summary>
    public static IEnumerable<string> Sketches => Sketched.Keys;

    /// <summary>The exporters' models in the repository.</summary>
    public static IEnumerable<string> Fixtures => Testing.Fixtures.Cells.Select(c => $"fixture/{c}");

    /// <summary>The larger folder of exporters' models, where it is at hand. Not those with a window cache: ONNX Runtime leaves
    /// rows of it unwritten, and two runs of one file differ there.</summary>
    public static IEnumerable<string> Shared => Testing.Fixtures.SharedFiles("model.onnx", "matrix").Where(f => f.Length > 0 && !f.Contains("wincache", StringComparison.Ordinal));

    /// <summary>A new copy of a model, its functions inlined and its constants lifted, so that mutations see every place.</summary>
    public static Model Load(string name)
    {
        var model = Sketched.TryGetValue(name, out var build) ? build()
            : OnnxReader.Load(name.StartsWith("fixture/", StringComparison.Ordinal) ? Testing.Fixtures.Of(name["fixture/".Length..], "model.onnx") : Testing.Fixtures.SharedModels(name));
        new Pipeline(new PipelineStep(new InlineFunctions(), "calls hide their operators"), new PipelineStep(new LiftConstants(), "mutations look for numbers")).Run(model);
        return model;
    }

    /// <summary>The canonical form of a model after raising it.</summary>
    public static IReadOnlyList<string> Raise(Model model)
    {
        new Pipeline(Pipelines.Raise).Run(model, new OrtEvaluator());
        return RaisedForm.Of(model.Graph);
    }
}
