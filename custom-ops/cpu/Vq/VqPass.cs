using OnnxEff.Formats;
using OnnxEff.Ops;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>A call cut into passes of some tokens, each with its activations made ready once.</summary>
static unsafe class VqPass<TLanes, TBytes, TLookup, TCodec, TStored>
    where TLanes : unmanaged, ILanes<TLanes>
    where TBytes : unmanaged, IByteLanes<TBytes>
    where TLookup : ILookup<TBytes>
    where TCodec : ICodec<TStored>
    where TStored : unmanaged
{
    const int TokensOfLookup = 16; // Lookups cost the same for each token; a decoded tile costs once.
    const int TokensOfTiles = 1024; // The sums of a tile of 64 outputs are 256 KiB then; longer inputs decode the weight again.
    const long ProductsWorthThreads = 1 << 20;
    const long MostAhead = 512 << 10; // Codes that come into the second cache while tables are made.

    /// <summary>Computes a call.</summary>
    public static void Run(VqWeight weight, int accuracyLevel, VqTensors tensors, TStored* output, ParallelFor? parallel)
    {
        VqInputLayout layout = weight.Layout;
        int rows = tensors.Rows, most = rows <= TokensOfLookup ? TokensOfLookup : TokensOfTiles;
        if ((long)rows * layout.Outputs * layout.Inputs < ProductsWorthThreads) parallel = null;
        for (int from = 0; from < rows; from += most)
        {
            var size = new ProductSize(Math.Min(most, rows - from), layout.Inputs, layout.Outputs);
            Pass(weight, accuracyLevel, tensors, (TStored*)tensors.Input.Data + (long)from * size.Inputs, output + (long)from * size.Outputs, size, rows <= TokensOfLookup, parallel);
        }
    }

    static void Pass(VqWeight weight, int accuracyLevel, VqTensors tensors, TStored* input, TStored* output, ProductSize size, bool byLookup, ParallelFor? parallel)
    {
        VqInputLayout layout = weight.Layout;
        tensors.Prefetch();
        int k = size.Inputs, stored = byLookup ? layout.StoredGroups * layout.VectorLength : k;
        int expanded = typeof(TStored) == typeof(float) ? 0 : k;
        // Of each token the stored columns and its activations as they came, and one column scale.
        using var work = new Scratch(checked(((nuint)size.Tokens * (nuint)(stored + expanded) + (nuint)k) * sizeof(float)));
        float* target = (float*)work.Bytes, scale = target + (long)size.Tokens * stored, x = TCodec.Expand<TLanes>(input, 0, scale + k);
        float* factors = tensors.ColumnScale.Dims is null ? null : HalfCodec.Expand<TLanes>((Half*)tensors.ColumnScale.Data, k, scale);
        Workers.Run(parallel, size.Tokens, (nuint)k, (t, scratch) =>
        {
            float* row = TCodec.Expand<TLanes>(input + (long)t * k, k, x + (long)t * k);
            StoredColumns<TLanes>.Write(row, factors, tensors.Permutation, k, target + (long)t * stored, scratch);
            new Span<float>(target + (long)t * stored + k, stored - k).Clear();
        });
        var outputs = new VqOutputs<TLanes, TCodec, TStored>(weight, tensors, x, output, size);
        if (byLookup) Lookup(weight, accuracyLevel == AccuracyLevel.Bytes ? 1 : 2, tensors, target, outputs, size, parallel);
        else Tiles(layout, accuracyLevel, tensors, target, output, outputs, size, parallel);
    }

    static void Lookup(VqWeight weight, int planes, VqTensors tensors, float* columns, VqOutputs<TLanes, TCodec, TStored> outputs, ProductSize size, ParallelFor? parallel)
    {
        VqInputLayout layout = weight.Layout;
        var shape = new TableLayout(layout, size.Tokens, planes);
        nuint tableBytes = checked((nuint)shape.PlaneCount * (nuint)shape.PlaneBytes);
        using var work = new Scratch(checked(tableBytes + (nuint)shape.PlaneCount * sizeof(float)));
        byte* bytes = work.Bytes;
        var scales = (float*)(bytes + tableBytes);
        var codes = (byte*)tensors.Codes.Data;
        long ahead = Math.Min(MostAhead, tensors.Codes.Bytes), blocks = (long)shape.Blocks * size.Tokens;
        LookupProduct<TBytes, TLookup>.Run(layout.Tiles, shape, codes, bytes, scales,
            (from, to, _) => LookupTables<TLanes>.Write(shape, weight.Codebook, columns, from, to, bytes, scales, new(codes + ahead * from / blocks, codes + ahead * to / blocks)), outputs, parallel);
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
        TileProduct<TLanes>.Add(new VqTiles<TBytes, TLookup>(layout, (byte*)tensors.Codes.Data, codebook), accuracyLevel, columns, y, size, parallel);
        Workers.Run(parallel, size.Tokens, t => outputs.Write(t, 0, n, y + (long)t * n));
    }
}
