namespace OnnxEff.Tests.GraphPasses.Conformance;

/// <summary>Cases that are not passed, each with its reason.</summary>
static class ConformanceExceptions
{
    /// <summary>Reasons by case.</summary>
    public static IReadOnlyDictionary<string, string> All { get; } = new Dictionary<string, string>
    {
        ["attention_3d_causal_bf16_expanded"] = "ONNX Runtime has no bfloat16 kernel on CPU for the Mul of the function body",
        ["attention_4d_causal_bf16_expanded"] = "ONNX Runtime has no bfloat16 kernel on CPU for the Mul of the function body",
        ["attention_4d_attn_mask_causal_bf16_expanded"] = "ONNX Runtime has no bfloat16 kernel on CPU for the Add of the function body's masks",
        ["attention_4d_causal_padded_kv_bf16_expanded"] = "ONNX Runtime has no bfloat16 kernel on CPU for the Pad of the function body's mask",
        ["attention_4d_padded_kv_bf16_expanded"] = "ONNX Runtime has no bfloat16 kernel on CPU for the Pad of the function body's mask",
    };
}
