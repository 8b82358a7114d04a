namespace OnnxEff.GraphPasses.Normalise;

/// <summary>Operators that work on each element by itself.</summary>
static class Elementwise
{
    /// <summary>Operators of one operand.</summary>
    public static IReadOnlyList<string> OfOne { get; } = ["Cast", "Neg", "Abs", "Sqrt", "Reciprocal", "Exp", "Log", "Tanh", "Sigmoid", "Erf", "Relu", "Gelu", "Cos", "Sin",
        "Not", "IsNaN", "Softplus", "HardSigmoid", "HardSwish", "Mish"];

    /// <summary>Operators of two operands that broadcast.</summary>
    public static IReadOnlyList<string> OfTwo { get; } = ["Add", "Sub", "Mul", "Div", "Pow", "Max", "Min"];
}
