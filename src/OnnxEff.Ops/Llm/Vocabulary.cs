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

    /// <summary>
    /// f(x) for each element. Attributes <c>function</c>: <see cref="Silu"/>, <see cref="Gelu"/>, <see cref="GeluTanh"/>, <see cref="Relu"/> or
    /// <see cref="ReluSquared"/>; <c>alpha</c> (float): the slope of silu.
    /// </summary>
    public const string Activation = "Activation";

    /// <summary>
    /// activation(gate) · up. Inputs gate, up; with up left out gate[..., 2·F] holds both, one behind the other. Attributes as those of
    /// <see cref="Activation"/>. The linear layers around it stay nodes of their own.
    /// </summary>
    public const string GatedActivation = "GatedActivation";

    /// <summary>x · σ(α·x); quick Gelu is silu with α = 1.702.</summary>
    public const string Silu = "silu";

    /// <summary>x · Φ(x), by the error function.</summary>
    public const string Gelu = "gelu";

    /// <summary>½ · x · (1 + tanh(√(2/π) · (x + 0.044715·x³))).</summary>
    public const string GeluTanh = "gelu_tanh";

    /// <summary>max(x, 0).</summary>
    public const string Relu = "relu";

    /// <summary>max(x, 0)².</summary>
    public const string ReluSquared = "relu_squared";
}
