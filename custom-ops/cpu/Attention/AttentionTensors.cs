using OnnxEff.Ops;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>The tensors of one <see cref="BlockMaskedAttention"/> call as the caller holds them.</summary>
public sealed class AttentionTensors
{
    /// <summary>query, and the element type of the call.</summary>
    public required TensorPointer Query { get; init; }

    /// <summary>key</summary>
    public TensorPointer Key { get; init; }

    /// <summary>value</summary>
    public TensorPointer Value { get; init; }

    /// <summary>past_key</summary>
    public TensorPointer PastKey { get; init; }

    /// <summary>past_value</summary>
    public TensorPointer PastValue { get; init; }

    /// <summary>key_mask</summary>
    public TensorPointer KeyMask { get; init; }

    /// <summary>seqlens_k</summary>
    public TensorPointer SeqlensK { get; init; }

    /// <summary>total_sequence_length</summary>
    public TensorPointer TotalSequenceLength { get; init; }

    /// <summary>position_ids</summary>
    public TensorPointer PositionIds { get; init; }

    /// <summary>cos</summary>
    public TensorPointer Cos { get; init; }

    /// <summary>sin</summary>
    public TensorPointer Sin { get; init; }

    /// <summary>bias</summary>
    public TensorPointer Bias { get; init; }

    /// <summary>sinks</summary>
    public TensorPointer Sinks { get; init; }

    /// <summary>slopes</summary>
    public TensorPointer Slopes { get; init; }

    /// <summary>plan_splits</summary>
    public TensorPointer PlanSplits { get; init; }

    /// <summary>plan_tiles</summary>
    public TensorPointer PlanTiles { get; init; }

    /// <summary>plan_bits</summary>
    public TensorPointer PlanBits { get; init; }

    /// <summary>Derives and checks everything that can be wrong with the inputs, so that the kernel needs no check.</summary>
    /// <param name="attributes">Attributes that passed <see cref="AttentionAttributes.Refusal"/>.</param>
    /// <param name="refusal">Why the inputs cannot be computed, null on success.</param>
    public unsafe AttentionGeometry? Check(AttentionAttributes attributes, out string? refusal)
    {
        refusal = TotalSequenceLength.Dims is { } dims && dims.Aggregate(1L, (a, b) => a * b) != 1
            ? "total_sequence_length must be one number."
            : null;
        if (refusal is not null) return null;
        var shapes = new AttentionShapes(Query.Dims!)
        {
            Key = Key.Dims,
            Value = Value.Dims,
            PastKey = PastKey.Dims,
            PastValue = PastValue.Dims,
            KeyMask = KeyMask.Dims,
            SeqlensK = SeqlensK.Dims,
            PositionIds = PositionIds.Dims,
            Cos = Cos.Dims,
            Sin = Sin.Dims,
            Bias = Bias.Dims,
            Sinks = Sinks.Dims,
            Slopes = Slopes.Dims,
            PlanSplits = PlanSplits.Dims,
            PlanTiles = PlanTiles.Dims,
            PlanBits = PlanBits.Dims,
        };
        int? total = TotalSequenceLength.Dims is null ? null : *(int*)TotalSequenceLength.Data;
        AttentionGeometry? geometry = AttentionGeometry.Derive(attributes, shapes, SeqlensK.Span<int>(), total, out refusal);
        refusal ??= geometry!.RefusePositions(PositionIds.Span<long>());
        if (PlanSplits.Dims is { } splits)
            refusal ??= TilePlan.Refusal(PlanSplits.Span<int>(), (int)splits[2] - 1, PlanTiles.Span<int>(), geometry!.Total, PlanBits.Dims![0]);
        return refusal is null ? geometry : null;
    }
}

/// <summary>Where a call writes; null for what nobody asks for.</summary>
public readonly unsafe struct AttentionResults(void* output, void* presentKey, void* presentValue, void* product)
{
    /// <summary>[B, S, Hq·Dv]</summary>
    public void* Output => output;

    /// <summary>[B, Hkv, <see cref="AttentionGeometry.PresentRows"/>, D]; may be past_key itself when that is a buffer.</summary>
    public void* PresentKey => presentKey;

    /// <summary>As <see cref="PresentKey"/>, for values.</summary>
    public void* PresentValue => presentValue;

    /// <summary>[B, Hq, S, T]</summary>
    public void* Product => product;
}
