using OnnxEff.Formats;
using OnnxEff.Ops;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>A call cut into passes of some tokens, each with its activations made ready once.</summary>
static unsafe class VqPass<TLanes, TBytes, TCentroids, TCodec, TStored>
    where TLanes : unmanaged, ILanes<TLanes>
    where TBytes : unmanaged, IByteLanes<TBytes>
    where TCentroids : ICentroids
    where TCodec : ICodec<TStored>
    where TStored : unmanaged
{
    const int TokensOfLookup = 16; // Lookups cost the same for each token; a decoded tile costs once.
    const int TokensOfTiles = 1024; // The sums of a tile of 64 outputs are 256 KiB then; longer inputs decode the weight again.
    const long ProductsWorthThreads = 1 << 19;

    /// <summary>Computes a call.</summary>
    public static void Run(VqInputLayout layout, int accuracyLevel, VqTensors tensors, TStored* output, ParallelFor? parallel)
    {
        int rows = tensors.Rows, most = rows <= TokensOfLookup ? TokensOfLookup : TokensOfTiles;
        if ((long)rows * layout.Outputs * layout.Inputs < ProductsWorthThreads) parallel = null;
        for (int from = 0; from < rows; from += most)
        {
            var size = new ProductSize(Math.Min(most, rows - from), layout.Inputs, layout.Outputs);
            Pass(layout, accuracyLevel, tensors, (TStored*)tensors.Input.Data + (long)from * size.Inputs, output + (long)from * size.Outputs, size, rows <= TokensOfLookup, parallel);
        }
    }

    static void Pass(VqInputLayout layout, int accuracyLevel, VqTensors tensors, TStored* input, TStored* output, ProductSize size, bool byLookup, ParallelFor? parallel)
    {
        int k = size.Inputs, stored = byLookup ? layout.Groups * layout.VectorLength : k;
        using var expanded = new Scratch(typeof(TStored) == typeof(float) ? 0 : checked((nuint)size.Tokens * (nuint)k * sizeof(float)));
        using var columns = new Scratch(checked((nuint)size.Tokens * (nuint)stored * sizeof(float)));
        using var scale = new Scratch((nuint)k * sizeof(float));
        float* x = TCodec.Expand<TLanes>(input, 0, (float*)expanded.Bytes), target = (float*)columns.Bytes;
        float* factors = tensors.ColumnScale.Dims is null ? null : HalfCodec.Expand<TLanes>((Half*)tensors.ColumnScale.Data, k, (float*)scale.Bytes);
        Workers.Run(parallel, size.Tokens, (nuint)k, (t, scratch) =>
        {
            float* row = TCodec.Expand<TLanes>(input + (long)t * k, k, x + (long)t * k);
            StoredColumns<TLanes>.Write(row, factors, tensors.Permutation, k, target + (long)t * stored, scratch);
            new Span<float>(target + (long)t * stored + k, stored - k).Clear();
        });
        var outputs = new VqOutputs<TLanes, TCodec, TStored>(tensors, x, output, size);
        if (byLookup) Lookup(layout, accuracyLevel == AccuracyLevel.Bytes ? 1 : 2, tensors, target, outputs, size, parallel);
        else Tiles(layout, accuracyLevel, tensors, target, output, outputs, size, parallel);
    }

    static void Lookup(VqInputLayout layout, int planes, VqTensors tensors, float* columns, VqOutputs<TLanes, TCodec, TStored> outputs, ProductSize size, ParallelFor? parallel)
    {
        var shape = new TableLayout(layout, planes);
        long planeCount = shape.PlaneOf(size.Tokens, 0);
        using var tables = new Scratch(checked((nuint)planeCount * (nuint)shape.PlaneBytes));
        using var side = new Scratch(checked(((nuint)planeCount + (nuint)(layout.Centroids * layout.VectorLength)) * sizeof(float)));
        float* codebook = (float*)side.Bytes, scales = codebook + layout.Centroids * layout.VectorLength;
        Transpose((Half*)tensors.Codebook.Data, layout, codebook);
        byte* bytes = tables.Bytes;
        LookupProduct<TBytes, TCentroids>.Run(layout.Tiles, shape, (byte*)tensors.Codes.Data, bytes, scales, size.Tokens,
            (from, to, _) => LookupTables<TLanes>.Write(shape, codebook, columns, from, to, bytes, scales),
            (token, tile, sums) =>
            {
                int first = tile * VqInputLayout.TileRows;
                outputs.Write(token, first, Math.Min(VqInputLayout.TileRows, size.Outputs - first), sums);
            }, parallel);
    }

    // [k, v] to [v, k].
    static void Transpose(Half* centroids, VqInputLayout layout, float* target)
    {
        (int k, int v) = (layout.Centroids, layout.VectorLength);
        float* rows = stackalloc float[k * v];
        HalfCodec.Expand<TLanes>(centroids, k * v, rows);
        for (int i = 0; i < v; i++)
            for (int c = 0; c < k; c++) target[i * k + c] = rows[c * v + i];
    }

    static void Tiles(VqInputLayout layout, int accuracyLevel, VqTensors tensors, float* columns, TStored* output, VqOutputs<TLanes, TCodec, TStored> outputs, ProductSize size, ParallelFor? parallel)
    {
        int n = size.Outputs;
        bool isSingle = typeof(TStored) == typeof(float);
        using var sums = new Scratch(isSingle ? 0 : checked((nuint)size.Tokens * (nuint)n * sizeof(float)));
        using var side = new Scratch((nuint)(layout.Centroids * layout.VectorLength) * sizeof(float));
        float* codebook = HalfCodec.Expand<TLanes>((Half*)tensors.Codebook.Data, layout.Centroids * layout.VectorLength, (float*)side.Bytes);
        float* y = isSingle ? (float*)output : (float*)sums.Bytes;
        for (int t = 0; t < size.Tokens; t++) new Span<float>(y + (long)t * n, n).Clear();
        TileProduct<TLanes>.Add(new VqTiles<TBytes, TCentroids>(layout, (byte*)tensors.Codes.Data, codebook), accuracyLevel, columns, y, size, parallel);
        Workers.Run(parallel, size.Tokens, t => outputs.Write(t, 0, n, y + (long)t * n));
    }
}
