using OnnxEff.Ir;
using OnnxEff.Ops.Llm;

namespace OnnxEff.GraphPasses.Lower;

/// <summary>How many keys an attention has, as values of a graph.</summary>
static class KeyCounts
{
    static readonly TensorType s_vector = new(ElementType.Int64, TensorShape.Of(1));

    /// <summary>T, int64 [1]: as given, the width of a mask, or the tokens of past and query. A past that may be a buffer needs one of the first two.</summary>
    public static Value Keys(this GraphBuilder build, LlmAttention attention, Value? mask)
    {
        if (attention[AttentionInput.TotalSequenceLength] is { } given)
            return build.Op("Reshape", [build.Cast(given, ElementType.Int64), build.Constant(Tensor.Vector(1L))], s_vector);
        var query = attention[AttentionInput.Query]!;
        return mask is not null ? build.Extent(mask, mask.Type!.Shape!.Rank - 1)
            : attention[AttentionInput.PastKey] is not { } past ? build.Extent(query, 1)
            : !attention.Appends ? build.Extent(past, 2)
            : build.Op("Add", [build.Extent(past, 2), build.Extent(query, 1)], s_vector);
    }

    /// <summary>A count that is int64 [1] as int32 scalar.</summary>
    public static Value CountScalar(this GraphBuilder build, Value count) => build.Cast(
        build.Op("Reshape", [count, build.Constant(Tensor.Create<long>([0], []))], new TensorType(ElementType.Int64, TensorShape.Scalar)), ElementType.Int32);
}
