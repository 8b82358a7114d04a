using OnnxEff.Ir;

namespace OnnxEff.Ops;

/// <summary>The gate of a feed-forward part, Swish_α(gate) ⊙ up: Shazeer, GLU Variants Improve Transformer (2020), equation 5. ONNX Runtime takes two nodes for it.</summary>
public static class SwiGlu
{
    /// <summary>The declaration.</summary>
    public static OperatorSchema Schema { get; } = new("SwiGlu", Since: 1, "output = gate · σ(alpha · gate) · up, element by element.")
    {
        Types = [new("T", ElementType.Float32, ElementType.Float16)],
        Inputs =
        [
            new("gate", "T", "..., F", "What goes through the activation; [..., 2*F] holds gate and then up when up is absent."),
            new("up", "T", "..., F", "What it is multiplied with; the same sizes.", Optional: true),
        ],
        Outputs = [new("output", "T", "..., F", "The product.")],
        Attributes = [new("alpha", ElementType.Float32, 1, "The slope: 1 is SiLU, 1.702 quick GELU.")],
    };

    /// <summary>Why tensors of these sizes are refused, or null. An up that is left out is null.</summary>
    public static string? Refusal(long[] gate, long[]? up) =>
        up is not null ? Sizes.Refuse("up", up, gate) : gate is [.., var both] && both % 2 == 0 ? null : $"gate is {Sizes.Text(gate)}: without up, its last axis must hold both, one behind the other.";

    /// <summary>The scalar reference.</summary>
    public static float[] Reference(float[] gate, float[] up, float alpha) => [.. gate.Zip(up, (g, u) => (float)(g / (1 + Math.Exp(-(double)alpha * g)) * u))];
}
