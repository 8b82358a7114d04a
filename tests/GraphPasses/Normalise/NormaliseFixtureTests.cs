using OnnxEff.GraphPasses.Normalise;
using OnnxEff.Ir;
using OnnxEff.Ir.Onnx;
using OnnxEff.Rewriting;
using OnnxEff.Runtime;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.GraphPasses.Normalise;

public class NormaliseFixtureTests
{
    /// <summary>The committed cells.</summary>
    public static TheoryData<string> Cells => [.. Fixtures.Cells];

    /// <summary>All cells, where the larger models are at hand. Not those with a window cache: ONNX Runtime leaves rows of
    /// it unwritten, and two runs of one file differ there.</summary>
    public static TheoryData<string> AllCells =>
        [.. Fixtures.SharedFiles("model.onnx", "matrix").Where(f => !f.Contains("wincache", StringComparison.Ordinal))];

    [Theory]
    [MemberData(nameof(Cells))]
    public void A_normalised_llama_computes_the_same(string cell) => AssertSame(Fixtures.Of(cell, "model.onnx"));

    [Theory]
    [MemberData(nameof(AllCells))]
    public void A_normalised_model_computes_the_same(string file)
    {
        if (file.Length == 0)
            Assert.Skip("The larger models are absent; set ONNXEFF_SHARED_MODELS to their folder.");
        AssertSame(Fixtures.SharedModels(file));
    }

    [Theory]
    [MemberData(nameof(Cells))]
    public void No_constant_node_and_no_node_without_meaning_is_left(string cell)
    {
        var model = Normalised(Fixtures.Of(cell, "model.onnx"));
        Assert.DoesNotContain(model.Graph.Nodes, n => n.OpType is "Constant" or "Identity" or "Dropout");
        Assert.DoesNotContain(model.Graph.Nodes, n => n.Is("Cast") && n.Input(0)!.Type?.Element == (ElementType)n.Int("to"));
    }

    [Theory]
    [MemberData(nameof(Cells))]
    public void Normalising_twice_changes_nothing_more(string cell)
    {
        var model = Normalised(Fixtures.Of(cell, "model.onnx"));
        var report = new Pipeline(NormaliseSteps.All).Run(model, new OrtEvaluator());
        Assert.Equal([], report.Passes.Where(p => p.Applied > 0).Select(p => p.Pass));
    }

    static Model Normalised(string path)
    {
        OnnxEff.Tests.Runtime.Native.Require();
        var model = OnnxReader.Load(path);
        new Pipeline(NormaliseSteps.All).Run(model, new OrtEvaluator());
        return model;
    }

    static void AssertSame(string path)
    {
        var original = OnnxReader.Load(path);
        var feeds = RandomFeeds.For(original.Graph);
        var isHalf = original.Graph.Initializers.Any(i => i.Type?.Element == ElementType.Float16);
        Evaluated.AssertClose(Evaluated.Run(original, feeds), Evaluated.Run(Normalised(path), feeds), isHalf ? 1e-3 : 1e-6);
    }
}
