namespace OnnxEff.Ops;

/// <summary>The operators of the project's own ONNX domain.</summary>
public static class OnnxEffOperators
{
    /// <summary>Domain name, as in <c>opset_import</c> and <c>NodeProto.domain</c>.</summary>
    public const string Domain = "onnxeff";

    /// <summary>Version of the domain that this library implements.</summary>
    public const int Version = 1;

    /// <summary>Every operator of the domain.</summary>
    public static IReadOnlyList<OperatorSchema> All { get; } = [BlockMaskedAttention.Schema, BlockMaskPlan.Schema, VptqMatMul.Schema, VqMatMul.Schema, AffineMatMul.Schema, AffineGather.Schema, SwiGlu.Schema];
}
