using OnnxEff.Ops;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>The tensors of one <see cref="BlockMaskPlan"/> call as the caller holds them.</summary>
public sealed class PlanTensors
{
    /// <summary>extent</summary>
    public required TensorPointer Extent { get; init; }

    /// <summary>mask</summary>
    public TensorPointer Mask { get; init; }

    /// <summary>key_mask</summary>
    public TensorPointer KeyMask { get; init; }

    /// <summary>document_ids</summary>
    public TensorPointer DocumentIds { get; init; }

    /// <summary>prefix_lengths</summary>
    public TensorPointer PrefixLengths { get; init; }

    /// <summary>parents</summary>
    public TensorPointer Parents { get; init; }

    /// <summary>global_keys</summary>
    public TensorPointer GlobalKeys { get; init; }

    /// <summary>Derives and checks everything that can be wrong with the inputs, so that the kernel needs no check.</summary>
    /// <param name="attributes">Attributes that passed <see cref="PlanAttributes.Refusal"/>.</param>
    /// <param name="refusal">Why the inputs cannot be computed, null on success.</param>
    public PlanGeometry? Check(PlanAttributes attributes, out string? refusal)
    {
        PlanGeometry? geometry = PlanGeometry.Derive(attributes, new(Extent.Span<long>().ToArray())
        {
            Mask = Mask.Dims,
            KeyMask = KeyMask.Dims,
            DocumentIds = DocumentIds.Dims,
            PrefixLengths = PrefixLengths.Dims,
            Parents = Parents.Dims,
            GlobalKeys = GlobalKeys.Dims,
        }, out refusal);
        refusal ??= geometry!.RefuseParents(Parents.Span<long>());
        return refusal is null ? geometry : null;
    }
}
