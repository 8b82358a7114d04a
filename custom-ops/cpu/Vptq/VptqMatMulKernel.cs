using System.Diagnostics;
using OnnxEff.Formats;
using OnnxEff.Ir;
using OnnxEff.Ops;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>
/// <see cref="VptqMatMul"/> on the CPU. The weight is Q in the stored order of columns, with scale, offset and permutation on the side of the
/// activations: y = Q · (x ⊙ scale)[permutation] + Σ x ⊙ offset + bias.
/// </summary>
public static unsafe class VptqMatMulKernel
{
    const int TokensPerPass = 1024; // The sums of a tile of 64 outputs are 256 KiB then; longer inputs decode the weight again.
    const long ProductsWorthThreads = 1 << 15;

    /// <summary>Computes one call.</summary>
    /// <typeparam name="TLanes">The vector width of the level that runs.</typeparam>
    /// <param name="weight">What <see cref="VptqTensors.Check"/> returned for the tensors.</param>
    /// <param name="accuracyLevel">The attribute.</param>
    /// <param name="tensors">Inputs.</param>
    /// <param name="output">[..., N], of the input's type.</param>
    /// <param name="parallel">The host's threads, or null to stay on this one.</param>
    /// <exception cref="OutOfMemoryException">Scratch memory is not to be had.</exception>
    public static void Run<TLanes>(VptqWeight weight, int accuracyLevel, VptqTensors tensors, void* output, ParallelFor? parallel) where TLanes : unmanaged, ILanes<TLanes>
    {
        VptqLayout layout = weight.Layout;
        if ((long)tensors.Rows * layout.Outputs * layout.Inputs < ProductsWorthThreads) parallel = null;
        for (int from = 0; from < tensors.Rows; from += TokensPerPass)
        {
            var size = new ProductSize(Math.Min(TokensPerPass, tensors.Rows - from), layout.Inputs, layout.Outputs);
            (long first, long target) = ((long)from * layout.Inputs, (long)from * layout.Outputs);
            switch (tensors.Input.Kind)
            {
                case ElementType.Float32:
                    Pass<TLanes, SingleCodec, float>(weight, accuracyLevel, tensors, (float*)tensors.Input.Data + first, (float*)output + target, size, parallel);
                    break;
                case ElementType.Float16:
                    Pass<TLanes, HalfCodec, Half>(weight, accuracyLevel, tensors, (Half*)tensors.Input.Data + first, (Half*)output + target, size, parallel);
                    break;
                default:
                    throw new UnreachableException($"VptqMatMul is declared for fp32 and fp16, not for {tensors.Input.Kind}.");
            }
        }
        GC.KeepAlive(weight); // What is computed with are pointers into it.
    }

    static void Pass<TLanes, TCodec, TStored>(VptqWeight weight, int accuracyLevel, VptqTensors tensors, TStored* input, TStored* output, ProductSize size, ParallelFor? parallel)
        where TLanes : unmanaged, ILanes<TLanes>
        where TCodec : ICodec<TStored>
        where TStored : unmanaged
    {
        bool isSingle = typeof(TStored) == typeof(float);
        using var columns = new Scratch(checked((nuint)size.Tokens * (nuint)size.Inputs * sizeof(float)));
        using var sums = new Scratch(isSingle ? 0 : checked((nuint)size.Tokens * (nuint)size.Outputs * sizeof(float)));
        float* x = (float*)columns.Bytes, y = isSingle ? (float*)output : (float*)sums.Bytes;
        Activations<TLanes, TCodec, TStored>.Write(tensors, input, x, y, size, parallel);
        if (weight.Layout.OutlierColumns > 0) AddOutliers<TLanes>(weight.Layout, tensors, x, y, size, parallel);
        AddGroups<TLanes>(weight, accuracyLevel, tensors, x, y, size, parallel);
        if (!isSingle)
            for (int t = 0; t < size.Tokens; t++) TCodec.Write<TLanes>(y + (long)t * size.Outputs, size.Outputs, output + (long)t * size.Outputs);
    }

    static void AddOutliers<TLanes>(VptqLayout layout, VptqTensors tensors, float* x, float* y, ProductSize size, ParallelFor? parallel)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        using var scratch = new Scratch(PaddedCodebook.ScratchFloats(tensors.OutlierCodebook) * sizeof(float));
        float* centroids = PaddedCodebook.Expand<TLanes>(tensors.OutlierCodebook, (float*)scratch.Bytes);
        Stream<TLanes>([VectorColumns.Outliers(layout, tensors.OutlierCodes, centroids)], x, y, size, parallel);
    }

    static void AddGroups<TLanes>(VptqWeight weight, int accuracyLevel, VptqTensors tensors, float* x, float* y, ProductSize size, ParallelFor? parallel)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        // A panel costs the same for one token as for all of its lanes.
        bool isPanels = size.Tokens * 2 > Panel<TLanes>.Width;
        if (!isPanels && accuracyLevel == AccuracyLevel.Bytes && ByteCentroids.Takes(weight.Layout))
        {
            AddBytes<TLanes>(weight, tensors, x, y, size, parallel);
            return;
        }
        using var main = new Scratch(PaddedCodebook.ScratchFloats(tensors.Codebook) * sizeof(float));
        using var residual = new Scratch(PaddedCodebook.ScratchFloats(tensors.ResidualCodebook) * sizeof(float));
        VectorColumns[] groups = VectorColumns.Groups(weight.Layout, tensors.Codes, PaddedCodebook.Expand<TLanes>(tensors.Codebook, (float*)main.Bytes),
            PaddedCodebook.Expand<TLanes>(tensors.ResidualCodebook, (float*)residual.Bytes));
        if (isPanels) Tiles<TLanes>(groups, accuracyLevel, x, y, size, parallel);
        else Stream<TLanes>(groups, x, y, size, parallel);
    }

    static void AddBytes<TLanes>(VptqWeight weight, VptqTensors tensors, float* x, float* y, ProductSize size, ParallelFor? parallel)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        VectorColumns[] groups = VectorColumns.Groups(weight.Layout, tensors.Codes, null, null);
        byte* tables = weight.Tables<TLanes>(tensors);
        for (int from = 0; from < size.Tokens; from += ByteCentroids.MostTokens)
            ByteCentroids.Add(groups, tables, weight.TableBytes, x + (long)from * size.Inputs, y + (long)from * size.Outputs,
                size with { Tokens = Math.Min(ByteCentroids.MostTokens, size.Tokens - from) }, parallel);
    }

    // A register holds no more than one centroid.
    static void Stream<TLanes>(VectorColumns[] columns, float* x, float* y, ProductSize size, ParallelFor? parallel) where TLanes : unmanaged, ILanes<TLanes>
    {
        while (TLanes.Count == V512.Count && EightTokens.IsSupported && columns[0].Stride == V256.Count && size.Tokens >= EightTokens.Fewest)
        {
            int tokens = Math.Min(size.Tokens, EightTokens.Count);
            EightTokens.Add(columns, x, y, size with { Tokens = tokens }, parallel);
            x += (long)tokens * size.Inputs;
            y += (long)tokens * size.Outputs;
            size = size with { Tokens = size.Tokens - tokens };
        }
        if (size.Tokens == 0) return;
        if (columns[0].Stride >= TLanes.Count) StreamProduct<TLanes>.Add(columns, x, y, size, parallel);
        else if (columns[0].Stride == V256.Count) StreamProduct<V256>.Add(columns, x, y, size, parallel);
        else StreamProduct<V128>.Add(columns, x, y, size, parallel);
    }

    static void Tiles<TLanes>(VectorColumns[] columns, int accuracyLevel, float* x, float* y, ProductSize size, ParallelFor? parallel) where TLanes : unmanaged, ILanes<TLanes>
    {
        IWeightTiles weight = columns[0].Stride >= TLanes.Count ? new VptqTiles<TLanes>(columns) : columns[0].Stride == V256.Count ? new VptqTiles<V256>(columns) : new VptqTiles<V128>(columns);
        TileProduct<TLanes>.Add(weight, accuracyLevel, x, y, size, parallel);
    }
}
