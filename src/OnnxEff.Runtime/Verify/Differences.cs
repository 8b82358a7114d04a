using OnnxEff.Ir;

namespace OnnxEff.Runtime;

/// <summary>How far numbers are apart, and how far they may be.</summary>
static class Differences
{
    const double FullTolerance = 1e-4; // float32: summation order only
    const double HalfTolerance = 2e-2; // float16 and bfloat16: eleven and eight bits, over all layers

    // Activations in steps of 1/127 of the largest: another summation order moves some by a step, over all layers.
    const double Int8Tolerance = 5e-2;

    /// <summary>The largest relative difference that two files of these types may have.</summary>
    public static double ToleranceOf(Graph graph) => RoundsActivations(graph) ? Int8Tolerance : IsHalf(graph) ? HalfTolerance : FullTolerance;

    /// <summary>Compares numbers row by row.</summary>
    public static TensorDifference Between(string name, IReadOnlyList<float[]> expected, IReadOnlyList<float[]> actual, double tolerance)
    {
        double largest = 0, magnitude = 0;
        for (var row = 0; row < expected.Count; row++)
            for (var i = 0; i < expected[row].Length; i++)
            {
                var (e, a) = (expected[row][i], actual[row][i]);
                if (float.IsFinite(e)) magnitude = Math.Max(magnitude, Math.Abs(e));
                if (e.Equals(a)) continue; // equal infinities and NaNs are equal
                var difference = Math.Abs((double)e - a);
                largest = double.IsNaN(difference) ? double.PositiveInfinity : Math.Max(largest, difference);
            }
        var result = new TensorDifference(name, largest, magnitude, true);
        return result with { Passed = result.MaxRelative <= tolerance };
    }

    static bool RoundsActivations(Graph graph) => graph.Nodes.Any(n => n.OpType == "DynamicQuantizeLinear" || n.Int("accuracy_level") == 4);

    static bool IsHalf(Graph graph) => graph.Inputs.Concat(graph.Outputs).Concat(graph.Initializers)
        .Any(v => v.Type?.Element is ElementType.Float16 or ElementType.BFloat16);
}
