namespace OnnxEff.CustomOps.Cpu;

/// <summary>Fills the present tensors: past rows copied, new rows rotated behind them, zeros to the end.</summary>
static unsafe class KvCache<TLanes, TCodec, TStored>
    where TLanes : unmanaged, ILanes<TLanes>
    where TCodec : ICodec<TStored>
    where TStored : unmanaged
{
    const int RowsAhead = 8; // New rows lie a token apart, too far for a processor to guess the next one.

    /// <summary>Floats of scratch that <see cref="Write"/> needs.</summary>
    public static nuint ScratchFloats(AttentionCall<TStored> call) => (nuint)call.HeadSize + 2 * (nuint)call.RotaryPairs;

    /// <summary>Writes rows [from, to) of one head; in place only the new rows among them.</summary>
    public static void Write(AttentionCall<TStored> call, int b, int kvHead, int from, int to, float* scratch)
    {
        if (!call.Append) return;
        int d = call.HeadSize, dv = call.ValueHeadSize, past = call.QueryStarts[b], end = past + call.Sequence;
        long before = ((long)b * call.KvHeads + kvHead) * call.PastRows;
        TStored* keys = call.KeyRow(b, kvHead, 0), values = call.ValueRow(b, kvHead, 0);
        if (!call.KeyInPlace) CopyAndClear(call.PastKey + before * d, keys, d, from, to, past, end);
        if (!call.ValueInPlace) CopyAndClear(call.PastValue + before * dv, values, dv, from, to, past, end);
        for (int row = Math.Max(from, past); row < Math.Min(to, end); row++)
        {
            long token = (long)b * call.Sequence + (row - past);
            TStored* key = call.Key + token * call.KeyStride + (long)kvHead * d;
            TStored* value = call.Value + token * call.ValueStride + (long)kvHead * dv;
            if (row + RowsAhead < end)
            {
                Prefetch.Bytes(key + RowsAhead * call.KeyStride, d * sizeof(TStored));
                Prefetch.Bytes(value + RowsAhead * call.ValueStride, dv * sizeof(TStored));
            }
            if (call.RotaryPairs == 0) Copy(key, keys + (long)row * d, d);
            else
            {
                TokenRows<TLanes, TCodec, TStored>.Rotated(call, key, b, row - past, 1, scratch, scratch + d);
                TCodec.Write<TLanes>(scratch, d, keys + (long)row * d);
            }
            Copy(value, values + (long)row * dv, dv);
        }
    }

    static void CopyAndClear(TStored* past, TStored* present, int d, int from, int to, int length, int end)
    {
        if (from < length) Copy(past + (long)from * d, present + (long)from * d, (long)(Math.Min(to, length) - from) * d);
        int clear = Math.Max(from, end);
        if (clear < to) new Span<byte>(present + (long)clear * d, checked((int)((long)(to - clear) * d * sizeof(TStored)))).Clear();
    }

    static void Copy(TStored* source, TStored* target, long count) =>
        Buffer.MemoryCopy(source, target, count * sizeof(TStored), count * sizeof(TStored));
}
