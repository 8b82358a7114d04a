using OnnxEff.Ir;
using OnnxEff.Ir.Onnx;
using OnnxEff.Rewriting;
using OnnxEff.Runtime;
using Xunit;

namespace OnnxEff.Tests.Testing;

/// <summary>Runs passes in tests.</summary>
public static class Passes
{
    /// <summary>Runs passes in order.</summary>
    public static PipelineReport Run(this Sketch sketch, params GraphPass[] passes) => Run(sketch.Model, passes);

    /// <summary>Runs passes in order.</summary>
    public static PipelineReport Run(Model model, params GraphPass[] passes) =>
        new Pipeline([.. passes.Select(p => new PipelineStep(p, "under test"))]).Run(model, new OrtEvaluator());

    /// <summary>Runs passes and asserts that the model computes what it did before, where ONNX Runtime is at hand.</summary>
    /// <param name="sketch">The model.</param>
    /// <param name="tolerance">Relative to the largest value of an output.</param>
    /// <param name="passes">The passes.</param>
    public static PipelineReport RunSame(this Sketch sketch, double tolerance, params GraphPass[] passes)
    {
        if (OrtLibrary.TryFind(out _) is null)
            return sketch.Run(passes);
        var feeds = RandomFeeds.For(sketch.Graph);
        var before = Evaluated.Run(OnnxReader.Parse(OnnxWriter.ToBytes(sketch.Model)), feeds);
        var report = sketch.Run(passes);
        Evaluated.AssertClose(before, Evaluated.Run(sketch.Model, feeds), tolerance);
        return report;
    }

    /// <summary>The only refusal's sentence.</summary>
    public static string Sentence(this PipelineReport report) => Assert.Single(report.Refusals).Sentence;
}
