namespace OnnxEff.Ops.Llm;

/// <summary>
/// Names of the operators that say what a language model's graph means. They live between raising and lowering; no file
/// and no runtime sees them.
/// </summary>
public static class Vocabulary
{
    /// <summary>The domain of all of them.</summary>
    public const string Domain = "llm";

    /// <summary>
    /// γ · x / √(mean(x²) + ε) over the last axis. Inputs x[..., D], γ[D]; attributes <c>epsilon</c> (float) and
    /// <c>stash_type</c> (element type in which it is computed; absent: that of x). The result has the type of x.
    /// </summary>
    public const string RmsNorm = "RmsNorm";

    /// <summary>
    /// x · w + bias. Inputs x[..., K], weight, bias[N]?, scales?, zero_points?, group_index?. Attributes:
    /// <c>transposed</c>: 0 if the weight is [K, N], 1 if it is [N, K]; <c>format</c>: absent for a plain weight, else
    /// <see cref="MatMulNBits"/> with the attributes of that operator (K, N, bits, block_size, accuracy_level).
    /// </summary>
    public const string Linear = "Linear";

    /// <summary>The stored form of com.microsoft.MatMulNBits.</summary>
    public const string MatMulNBits = "matmul_nbits";

    /// <summary>x · σ(x).</summary>
    public const string Silu = "Silu";

    /// <summary>x · Φ(x). Attribute <c>approximate</c>: <c>none</c> (error function) or <c>tanh</c>, as in ONNX.</summary>
    public const string Gelu = "Gelu";

    /// <summary>
    /// activation(gate) · up. Inputs gate, up; attribute <c>activation</c>: <c>silu</c>, <c>gelu</c> or <c>gelu_tanh</c>.
    /// The three linear layers around it stay nodes of their own.
    /// </summary>
    public const string GatedActivation = "GatedActivation";
}
