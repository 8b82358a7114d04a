using OnnxEff.GraphPasses.Normalise;
using OnnxEff.Ir;
using OnnxEff.Ops.Llm;
using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses.Raise.Activations;

/// <summary>What a cone computes: <paramref name="Factor"/> times an activation.</summary>
/// <param name="Function">Its name in the vocabulary.</param>
/// <param name="Alpha">The slope of silu.</param>
/// <param name="Factor">1; or 2 where a half of Gelu stands behind something else.</param>
readonly record struct ProbedActivation(string Function, float Alpha, int Factor);

/// <summary>
/// Recognises an activation by evaluation: the function of one real that a cone computes is compared with each activation on a
/// grid, so that its spelling does not matter. Half-precision constants are taken as they are, the rest is computed in fp32.
/// </summary>
sealed class ActivationProbe(Model model, IGraphEvaluator evaluator)
{
    // Outside, all activations have met their asymptotes. The step is no multiple of a power of two, so that rounding shows.
    static readonly double[] Grid = [.. Enumerable.Range(-120, 241).Select(i => i * 0.0807)];

    // Numbers that model code writes with eight digits, and numbers that were rounded to half precision.
    const double SingleTolerance = 2e-5, HalfTolerance = 4e-3;

    readonly Dictionary<string, ProbedActivation?> _known = [];

    /// <summary>The activation that a cone computes, or null.</summary>
    public ProbedActivation? Probe(ElementwiseCone cone)
    {
        var text = cone.Text();
        if (_known.TryGetValue(text, out var known))
            return known;
        return _known[text] = Evaluate(cone) is { } values ? Recognise(values, IsHalf(cone) ? HalfTolerance : SingleTolerance) : null;
    }

    static ProbedActivation? Recognise(double[] y, double tolerance)
    {
        var (best, least) = ((ProbedActivation?)null, tolerance);
        foreach (var factor in (int[])[1, 2])
        {
            foreach (var (function, alpha, f) in Candidates(y, factor))
            {
                var error = 0.0;
                for (var i = 0; i < y.Length && error <= least; i++)
                {
                    var expected = factor * f(Grid[i]);
                    var difference = Math.Abs(y[i] - expected) / Math.Max(1, Math.Abs(expected));
                    error = double.IsNaN(difference) ? double.PositiveInfinity : Math.Max(error, difference);
                }
                if (error < least)
                    (best, least) = (new(function, (float)alpha, factor), error);
            }
        }
        return best;
    }

    static IEnumerable<(string Function, double Alpha, Func<double, double> F)> Candidates(double[] y, int factor)
    {
        yield return (Vocabulary.Relu, 1, x => Math.Max(x, 0));
        yield return (Vocabulary.ReluSquared, 1, x => x > 0 ? x * x : 0);
        yield return (Vocabulary.Gelu, 1, x => x * (1 + Erf(x / Math.Sqrt(2))) / 2);
        yield return (Vocabulary.GeluTanh, 1, x => x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + (0.044715 * x * x * x)))) / 2);
        yield return (Vocabulary.Silu, 1, x => x / (1 + Math.Exp(-x)));
        // The slope follows from one point: σ(α·x) = y/x. A half, which is the sigmoid of 0, would be no curve.
        var at = Array.FindIndex(Grid, x => x > 0.5);
        var sigmoid = y[at] / Grid[at] / factor;
        if (sigmoid is > 0.51 and < 0.99)
        {
            var alpha = Math.Round(Math.Log(sigmoid / (1 - sigmoid)) / Grid[at], 4);
            yield return (Vocabulary.Silu, alpha, x => x / (1 + Math.Exp(-alpha * x)));
        }
    }

    double[]? Evaluate(ElementwiseCone cone)
    {
        var cut = new Model(new Graph("activation")) { IrVersion = model.IrVersion };
        foreach (var (domain, version) in model.Opsets)
            cut.Opsets[domain] = version;
        var type = new TensorType(ElementType.Float32, TensorShape.Of(Grid.Length));
        var map = new Dictionary<Value, Value> { [cone.From] = cut.Graph.AddInput("x", type) };
        foreach (var node in cone.Nodes)
        {
            var isIdentity = node.Is("Cast") && Facts.CastTarget(node).IsFloat();
            var copy = cut.Graph.AddNode(isIdentity ? "Identity" : node.OpType, node.Domain, [.. node.Inputs.Select(i => i is null ? null : Operand(i))]);
            foreach (var (name, value) in node.Attributes.Where(_ => !isIdentity))
                copy.SetAttribute(name, value);
            map[node.Result] = copy.AddOutput($"y{map.Count}");
        }
        cut.Graph.Outputs.Add(map[cone.To]);
        try
        {
            using var evaluation = evaluator.Open(cut);
            return evaluation.Run(new Dictionary<string, Tensor> { ["x"] = Tensor.Create<float>([Grid.Length], Array.ConvertAll(Grid, x => (float)x)) })[0].ToDouble();
        }
        catch (InvalidOperationException)
        {
            return null; // What does not run is not recognised.
        }

        Value Operand(Value value) => map.TryGetValue(value, out var mapped) ? mapped
            : map[value] = cut.Graph.AddConstant(value.Element().IsFloat() ? Tensor.Scalar((float)value.Constant!.ToScalar()!.Value) : value.Constant!.Reshape());
    }

    static bool IsHalf(ElementwiseCone cone) => cone.Nodes.SelectMany(n => n.Inputs).Any(i => i.Element() is ElementType.Float16 or ElementType.BFloat16);

    /// <summary>The error function to 1.5·10⁻⁷ (Abramowitz and Stegun, 7.1.26).</summary>
    static double Erf(double x)
    {
        var t = 1 / (1 + (0.3275911 * Math.Abs(x)));
        var series = t * (0.254829592 + (t * (-0.284496736 + (t * (1.421413741 + (t * (-1.453152027 + (t * 1.061405429))))))));
        return Math.Sign(x) * (1 - (series * Math.Exp(-x * x)));
    }
}
