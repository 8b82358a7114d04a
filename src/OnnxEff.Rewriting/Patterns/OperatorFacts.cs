namespace OnnxEff.Rewriting;

/// <summary>Algebraic facts about operators on which matching and rewriting rely.</summary>
public static class OperatorFacts
{
    /// <summary>True if the operator's two operands can change places without changing any bit of the result.</summary>
    public static bool IsCommutative(string domain, string opType) => domain.Length == 0 && opType is
        "Add" or "Mul" or "And" or "Or" or "Xor" or "Equal" or "Max" or "Min" or "Sum" or "Mean"
        or "BitwiseAnd" or "BitwiseOr" or "BitwiseXor";

    /// <summary>True if two calls with equal inputs can give different results, or if a call has an effect of its own.</summary>
    public static bool IsImpure(string domain, string opType) => domain switch
    {
        "" => opType is "RandomNormal" or "RandomNormalLike" or "RandomUniform" or "RandomUniformLike" or "Multinomial"
            or "Bernoulli" or "Dropout",
        "com.microsoft" or "llm" or "onnxeff" => opType is "RandomNormal" or "Sampling" or "BiasDropout" or "BitmaskDropout",
        _ => true,
    };
}
