using OnnxEff.Rewriting;
using static OnnxEff.Rewriting.Pattern;

namespace OnnxEff.Ops.Onnx;

/// <summary>
/// Patterns of standard operators, to be imported with <c>using static</c>. Where an argument moved from an attribute to
/// an input between versions of an operator, both forms match.
/// </summary>
public static class Standard
{
    /// <summary>√x.</summary>
    public static OpPattern Sqrt(Pattern x) => Op("Sqrt", x);

    /// <summary>1 / x.</summary>
    public static OpPattern Reciprocal(Pattern x) => Op("Reciprocal", x);

    /// <summary>xⁿ.</summary>
    public static OpPattern Pow(Pattern x, Pattern exponent) => Op("Pow", x, exponent);

    /// <summary>1 / (1 + e⁻ˣ).</summary>
    public static OpPattern Sigmoid(Pattern x) => Op("Sigmoid", x);

    /// <summary>The hyperbolic tangent.</summary>
    public static OpPattern Tanh(Pattern x) => Op("Tanh", x);

    /// <summary>The error function.</summary>
    public static OpPattern Erf(Pattern x) => Op("Erf", x);

    /// <summary>−x.</summary>
    public static OpPattern Neg(Pattern x) => Op("Neg", x);

    /// <summary>The matrix product.</summary>
    public static OpPattern MatMul(Pattern a, Pattern b) => Op("MatMul", a, b);

    /// <summary>A conversion to any element type.</summary>
    public static OpPattern Cast(Pattern x) => Op("Cast", x);

    /// <summary>A permutation of axes; null is any.</summary>
    public static OpPattern Transpose(Pattern x, long[]? perm = null) =>
        perm is null ? Op("Transpose", x) : Op("Transpose", x).With("perm", perm);

    /// <summary>The softmax along an axis given by its attribute.</summary>
    public static OpPattern Softmax(Pattern x) => Op("Softmax", x);

    /// <summary>The mean over axes, which stay as axes of size 1.</summary>
    public static OpPattern ReduceMean(Pattern x, long[] axes) => Reduce("ReduceMean", x, axes);

    /// <summary>The sum over axes, which stay as axes of size 1.</summary>
    public static OpPattern ReduceSum(Pattern x, long[] axes) => Reduce("ReduceSum", x, axes);

    /// <summary>The maximum over axes, which stay as axes of size 1.</summary>
    public static OpPattern ReduceMax(Pattern x, long[] axes) => Reduce("ReduceMax", x, axes);

    static OpPattern Reduce(string opType, Pattern x, long[] axes) => Op(opType, x).AllowMoreInputs()
        .With("keepdims", 1, absent: 1)
        .When(n => Axes.Of(n) is { } actual && Axes.AreSame(actual, axes, n.Input(0)?.Type?.Shape?.Rank),
            $"it must reduce axes [{string.Join(", ", axes)}]");
}
