using OnnxEff.GraphPasses;
using OnnxEff.Ir;
using OnnxEff.Ir.Onnx;
using OnnxEff.Runtime;

namespace OnnxEff.Tests.Testing;

/// <summary>Runs small models before and after optimising for each target.</summary>
public static class AllTargets
{
    /// <summary>Asserts that a model computes the same after optimising; gives the report and the rewritten model.</summary>
    /// <param name="sketch">The model; it is not changed.</param>
    /// <param name="target">What lowering may use.</param>
    /// <param name="tolerance">Relative to the largest value of an output.</param>
    /// <param name="feeds">Inputs that are not drawn at random.</param>
    public static (Model Model, OptimizeReport Report) AssertSame(Sketch sketch, Target target, double tolerance = 1e-5, params (string Name, Tensor Tensor)[] feeds)
    {
        var all = RandomFeeds.For(sketch.Graph);
        foreach (var (name, tensor) in feeds)
            all[name] = tensor;
        var file = OnnxWriter.ToBytes(sketch.Model);
        var before = Evaluated.Run(OnnxReader.Parse(file), all);
        var model = OnnxReader.Parse(file);
        var report = Optimizer.Run(model, new() { Target = target }, new OrtEvaluator());
        var options = target == Target.OnnxEff ? OrtSessionOptions.Small with { CustomOpLibraries = [OperatorLibrary.Require()] } : OrtSessionOptions.Small;
        Evaluated.AssertClose(before, Evaluated.Run(model, all, options), tolerance);
        return (model, report);
    }
}
