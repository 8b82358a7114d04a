using System.Diagnostics;
using OnnxEff.Ir;
using OnnxEff.Ops;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>
/// <see cref="BlockMaskedAttention"/> on the CPU, for fp32, fp16 and bf16 storage with fp32 arithmetic, of prompts in bf16 the
/// products of <see cref="BFloatPanel"/> where the processor has them. No S×T matrix is held:
/// softmax is online over blocks of keys, and blocks that the rules or the key mask empty are skipped.
/// </summary>
public static unsafe class BlockMaskedAttentionKernel
{
    const int RowsPerTile = 384; // Eight panels of 48 lanes: values are packed once for all of them, and their state of 400 KiB fits into the L2.
    const int KeysPerStreamedChunk = 512; // 2 · 512 rows of 128 floats are half of a 1 MiB L2: there lies what was just copied.
    const int KeysPerPanelChunk = 1024;

    /// <summary>Computes one call.</summary>
    /// <typeparam name="TLanes">The vector width of the level that runs.</typeparam>
    /// <param name="attributes">The node's attributes.</param>
    /// <param name="geometry">What <see cref="AttentionTensors.Check"/> returned for the tensors.</param>
    /// <param name="tensors">Inputs: query fp32, fp16 or bf16, and every other T of the same type.</param>
    /// <param name="results">Outputs of the sizes that the geometry says.</param>
    /// <param name="parallel">The host's threads, or null to stay on this one.</param>
    /// <exception cref="OutOfMemoryException">Scratch memory is not to be had.</exception>
    public static void Run<TLanes>(
        AttentionAttributes attributes, AttentionGeometry geometry, AttentionTensors tensors, AttentionResults results,
        ParallelFor? parallel)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        switch (tensors.Query.Kind)
        {
            case ElementType.Float32:
                Run<TLanes, SingleCodec, float>(attributes, geometry, tensors, results, parallel);
                break;
            case ElementType.Float16:
                Run<TLanes, HalfCodec, Half>(attributes, geometry, tensors, results, parallel);
                break;
            case ElementType.BFloat16:
                Run<TLanes, BFloatCodec, BFloat16>(attributes, geometry, tensors, results, parallel);
                break;
            default:
                throw new UnreachableException($"BlockMaskedAttention is declared for floats, not for {tensors.Query.Kind}.");
        }
    }

    static void Run<TLanes, TCodec, TStored>(
        AttentionAttributes attributes, AttentionGeometry g, AttentionTensors tensors, AttentionResults results,
        ParallelFor? parallel)
        where TLanes : unmanaged, ILanes<TLanes>
        where TCodec : ICodec<TStored>
        where TStored : unmanaged
    {
        // Nobody asked for the cache: it is still where keys and values of past and present lie side by side.
        bool holdsKeys = g.Append && results.PresentKey == null, holdsValues = g.Append && results.PresentValue == null;
        nuint rowBytes = checked((nuint)((long)g.Batch * g.KvHeads * g.PresentRows) * (nuint)sizeof(TStored));
        using var key = new Scratch(holdsKeys ? checked(rowBytes * (nuint)g.HeadSize) : 0);
        using var value = new Scratch(holdsValues ? checked(rowBytes * (nuint)g.ValueHeadSize) : 0);
        using var mask = new Scratch(tensors.KeyMask.Dims is null ? 0 : checked((nuint)((long)g.Batch * g.Total)));
        if (tensors.KeyMask.Dims is { } dims) ReadMask(tensors.KeyMask, dims[1], g, mask.Bytes);
        var presentKey = (TStored*)(holdsKeys ? key.Bytes : results.PresentKey);
        var presentValue = (TStored*)(holdsValues ? value.Bytes : results.PresentValue);
        byte* keyMask = tensors.KeyMask.Dims is null ? null : mask.Bytes;
        var call = new AttentionCall<TStored>(attributes, g, tensors, results, presentKey, presentValue, keyMask);

        // A panel costs the same for one row as for all of its lanes.
        if (g.Sequence * (long)g.Group * 2 > Panel<TLanes>.Width)
            new AttentionDriver<PanelTile<TLanes, TCodec, TStored>, TLanes, TCodec, TStored>(
                call, Math.Max(1, RowsPerTile / g.Group), KeysPerPanelChunk, parallel).Run();
        else if (Fits(TLanes.Count)) Stream<TLanes, TCodec, TStored>(call, parallel);
        else if (TLanes.Count > V256.Count && Fits(V256.Count)) Stream<V256, TCodec, TStored>(call, parallel);
        else Stream<V128, TCodec, TStored>(call, parallel);
        if (results.Product != null)
            ProductRows<TLanes, TCodec, TStored>.Write(call, attributes.ProductStage, (TStored*)results.Product, parallel);

        bool Fits(int lanes) => g.HeadSize % lanes == 0 && g.ValueHeadSize % lanes == 0;
    }

    static void Stream<TLanes, TCodec, TStored>(AttentionCall<TStored> call, ParallelFor? parallel)
        where TLanes : unmanaged, ILanes<TLanes>
        where TCodec : ICodec<TStored>
        where TStored : unmanaged =>
        new AttentionDriver<StreamTile<TLanes, TCodec, TStored>, TLanes, TCodec, TStored>(
            call, Math.Max(1, call.Sequence), KeysPerStreamedChunk, parallel).Run();

    static void ReadMask(TensorPointer mask, long width, AttentionGeometry g, byte* target)
    {
        for (int b = 0; b < g.Batch; b++)
            for (int t = 0; t < g.Total; t++)
                target[(long)b * g.Total + t] = mask.IsSet(b * width + t) ? (byte)1 : (byte)0;
    }
}
