using System.Diagnostics;
using System.Runtime.Intrinsics.X86;
using OnnxEff.Ir;
using OnnxEff.Ops;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>
/// <see cref="VqMatMul"/> on the CPU. The weight is Q in the stored order of columns, with the column scale and the permutation on the side of the activations
/// and the rest on that of the outputs: y = row_scale ⊙ (Q · (x ⊙ column_scale)[permutation]) + bias + outliers · x.
/// </summary>
public static class VqMatMulKernel
{
    /// <summary>Computes one call.</summary>
    /// <typeparam name="TLanes">The vector width of the level that runs.</typeparam>
    /// <param name="weight">What <see cref="VqTensors.Check"/> returned for the tensors.</param>
    /// <param name="accuracyLevel">The attribute.</param>
    /// <param name="tensors">Inputs.</param>
    /// <param name="output">[..., N], of the input's type.</param>
    /// <param name="parallel">The host's threads, or null to stay on this one.</param>
    /// <exception cref="OutOfMemoryException">Scratch memory is not to be had.</exception>
    public static unsafe void Run<TLanes>(VqWeight weight, int accuracyLevel, VqTensors tensors, void* output, ParallelFor? parallel) where TLanes : unmanaged, ILanes<TLanes>
    {
        // A level says how wide registers are, not how wide a lookup: that is asked here, once a call.
        if (TLanes.Count == V512.Count && Avx512Vbmi.IsSupported) Run<TLanes, Bytes512<WithPermutes>>(weight, accuracyLevel, tensors, output, parallel);
        else if (TLanes.Count == V512.Count && Avx512BW.IsSupported) Run<TLanes, Bytes512<WithoutPermutes>>(weight, accuracyLevel, tensors, output, parallel);
        else if (TLanes.Count >= V256.Count && Avx2.IsSupported) Run<TLanes, Bytes256>(weight, accuracyLevel, tensors, output, parallel);
        else Run<TLanes, Bytes128>(weight, accuracyLevel, tensors, output, parallel);
    }

    /// <summary>Computes one call with a width of lookups that the processor must have.</summary>
    internal static unsafe void Run<TLanes, TBytes>(VqWeight weight, int accuracyLevel, VqTensors tensors, void* output, ParallelFor? parallel)
        where TLanes : unmanaged, ILanes<TLanes>
        where TBytes : unmanaged, IByteLanes<TBytes>
    {
        switch (weight.Layout.Centroids)
        {
            case 16: Run<TLanes, TBytes, QuadLookup<TBytes>>(weight, accuracyLevel, tensors, output, parallel); break;
            case 64: Run<TLanes, TBytes, GroupLookup<TBytes, Centroids64>>(weight, accuracyLevel, tensors, output, parallel); break;
            default: Run<TLanes, TBytes, GroupLookup<TBytes, Centroids256>>(weight, accuracyLevel, tensors, output, parallel); break;
        }
        GC.KeepAlive(weight); // What is computed with are pointers into it.
    }

    static unsafe void Run<TLanes, TBytes, TLookup>(VqWeight weight, int accuracyLevel, VqTensors tensors, void* output, ParallelFor? parallel)
        where TLanes : unmanaged, ILanes<TLanes>
        where TBytes : unmanaged, IByteLanes<TBytes>
        where TLookup : ILookup<TBytes>
    {
        switch (tensors.Input.Kind)
        {
            case ElementType.Float32:
                VqPass<TLanes, TBytes, TLookup, SingleCodec, float>.Run(weight, accuracyLevel, tensors, (float*)output, parallel);
                break;
            case ElementType.Float16:
                VqPass<TLanes, TBytes, TLookup, HalfCodec, Half>.Run(weight, accuracyLevel, tensors, (Half*)output, parallel);
                break;
            default:
                throw new UnreachableException($"VqMatMul is declared for fp32 and fp16, not for {tensors.Input.Kind}.");
        }
    }
}
