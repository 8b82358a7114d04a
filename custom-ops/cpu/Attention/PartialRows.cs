namespace OnnxEff.CustomOps.Cpu;

/// <summary>Rows in their final form, and the merge of rows whose keys were split: rows of [m, l, o₀ … o_D-1].</summary>
static unsafe class PartialRows<TLanes, TCodec, TStored>
    where TLanes : unmanaged, ILanes<TLanes>
    where TCodec : ICodec<TStored>
    where TStored : unmanaged
{
    /// <summary>Floats of one partial row, a multiple of a cache line.</summary>
    public static int Stride(AttentionCall<TStored> call) => (call.ValueHeadSize + 2 + 15) / 16 * 16;

    /// <summary>Normalises a row, destroying it, and writes it to the output.</summary>
    public static void WriteOutput(AttentionCall<TStored> call, QueryTile tile, int row, float m, float l, float* o)
    {
        int s = tile.First + row / call.Group, head = tile.KvHead * call.Group + row % call.Group;
        LaneMath<TLanes>.Scale(o, call.ValueHeadSize, Weight(call, head, m, l), o);
        TCodec.Write<TLanes>(o, call.ValueHeadSize, OutputOf(call, tile.Batch, s, head));
    }

    /// <summary>Where a head of query s is written to.</summary>
    public static TStored* OutputOf(AttentionCall<TStored> call, int b, int s, int head) =>
        call.Output + (((long)b * call.Sequence + s) * call.QueryHeads + head) * call.ValueHeadSize;

    /// <summary>What normalises a row: 1 / l, or less with a sink.</summary>
    public static float Weight(AttentionCall<TStored> call, int head, float m, float l) =>
        Weight(m, l, call.Sinks == null ? float.NegativeInfinity : TCodec.Read(call.Sinks[head]));

    /// <summary>Merges the partial states of a tile, one per chunk of keys in their order, and writes the outputs.</summary>
    public static void Merge(AttentionCall<TStored> call, QueryTile tile, float* partials, int chunks, float* scratch)
    {
        int rows = (tile.Last - tile.First) * call.Group, stride = Stride(call), d = call.ValueHeadSize;
        for (int row = 0; row < rows; row++)
        {
            float m = float.MinValue, l = 0;
            for (int c = 0; c < chunks; c++) m = MathF.Max(m, partials[((long)c * rows + row) * stride]);
            new Span<float>(scratch, d).Clear();
            for (int c = 0; c < chunks; c++)
            {
                float* part = partials + ((long)c * rows + row) * stride;
                if (part[1] == 0) continue;
                float weight = MathF.Exp(part[0] - m);
                l += part[1] * weight;
                LaneMath<TLanes>.AddScaled(part + 2, d, weight, scratch);
            }
            WriteOutput(call, tile, row, m, l, scratch);
        }
    }

    // A row that saw no key stays zero, whatever the sink.
    static float Weight(float m, float l, float sink)
    {
        if (l == 0) return 0;
        if (!(sink > float.NegativeInfinity)) return float.IsNaN(sink) ? sink : 1 / l;
        float top = MathF.Max(m, sink), scale = MathF.Exp(m - top);
        return scale / (l * scale + MathF.Exp(sink - top));
    }
}
