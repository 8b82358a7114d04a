using OnnxEff.GraphPasses;
using OnnxEff.GraphPasses.Lower;
using OnnxEff.GraphPasses.Normalise;
using OnnxEff.GraphPasses.Raise;
using OnnxEff.Ir;
using OnnxEff.Ir.Onnx;
using OnnxEff.Rewriting;
using OnnxEff.Runtime;
using OnnxEff.Tests.Runtime;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.GraphPasses.Raise;

public class RaiseFixtureTests
{
    const int Layers = 2;

    /// <summary>The committed cells.</summary>
    public static TheoryData<string> Cells => [.. Fixtures.Cells];

    /// <summary>All cells, where the larger models are at hand. Not those with a window cache: ONNX Runtime leaves rows of
    /// it unwritten, and two runs of one file differ there.</summary>
    public static TheoryData<string> AllCells =>
        [.. Fixtures.SharedFiles("model.onnx", "matrix").Where(f => !f.Contains("wincache", StringComparison.Ordinal))];

    [Theory]
    [MemberData(nameof(Cells))]
    public void Every_norm_gate_and_linear_layer_of_a_llama_is_raised(string cell)
    {
        var graph = Raised(Fixtures.Of(cell, "model.onnx")).Graph;
        var isPacked = cell.Contains("genai", StringComparison.Ordinal);
        Assert.Equal((2 * Layers) + 1, Count(graph, "RmsNorm"));
        Assert.Equal(Layers, Count(graph, "GatedActivation"));
        Assert.Equal(0, Count(graph, "Silu"));
        Assert.Equal(((isPacked ? 5 : 7) * Layers) + 1, Count(graph, "Linear"));
    }

    [Theory]
    [MemberData(nameof(AllCells))]
    public void A_raised_and_lowered_model_computes_the_same(string file)
    {
        if (file.Length == 0)
            Assert.Skip("The larger models are absent; set ONNXEFF_SHARED_MODELS to their folder.");
        var original = OnnxReader.Load(Fixtures.SharedModels(file));
        var feeds = RandomFeeds.For(original.Graph);
        var expected = Evaluated.Run(original, feeds);
        var model = Raised(Fixtures.SharedModels(file));
        var lowering = new Pipeline([.. new GraphPass[] { new LowerNorms(Target.Ort, model.Opset), new LowerActivations(Target.Ort, model.Opset), new LowerLinear(), new RemoveDead() }
            .Select(p => new PipelineStep(p, "under test"))]);
        lowering.Run(model, new OrtEvaluator());
        model.Opsets.TryAdd("com.microsoft", 1);
        Assert.DoesNotContain(model.Graph.Nodes, n => n.Domain == "llm");
        var isHalf = original.Graph.Initializers.Any(i => i.Type?.Element == ElementType.Float16);
        // Activations rounded to bytes: where a sum in another order moves one across a half, a whole step comes of it.
        var isRounded = original.Graph.Nodes.Any(n => n.Is("MatMulNBits", "com.microsoft") && n.Int("accuracy_level") == 4);
        Evaluated.AssertClose(expected, Evaluated.Run(model, feeds), isHalf ? 2e-2 : isRounded ? 1e-2 : 1e-4);
    }

    static int Count(Graph graph, string op) => graph.Nodes.Count(n => n.Is(op, "llm"));

    static Model Raised(string path)
    {
        Native.Require();
        var model = OnnxReader.Load(path);
        new Pipeline([.. NormaliseSteps.All, .. new GraphPass[] { new NormRms(), new NormLayer(), new MlpActivation(), new LinearLayers() }
            .Select(p => new PipelineStep(p, "under test"))]).Run(model, new OrtEvaluator());
        return model;
    }
}
