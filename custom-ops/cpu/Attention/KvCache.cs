namespace OnnxEff.CustomOps.Cpu;

/// <summary>Fills the present tensors: past rows copied, new rows rotated behind them, zeros to the end.</summary>
static unsafe class KvCache<TLanes, TCodec, TStored>
    where TLanes : unmanaged, ILanes<TLanes>
    where TCodec : ICodec<TStored>
    where TStored : unmanaged
{
    /// <summary>Floats of scratch that <see cref="Write"/> needs.</summary>
    public static nuint ScratchFloats(AttentionCall<TStored> call) => (nuint)call.HeadSize + 2 * (nuint)call.RotaryPairs;

    /// <summary>Writes rows [from, to) of one head; in place only the new rows among them.</summary>
    public static void Write(AttentionCall<TStored> call, int b, int kvHead, int from, int to, float* scratch)
    {
        int d = call.HeadSize, past = call.PastLengths[b], end = past + call.Sequence;
        long present = call.PresentOffset(b, kvHead), before = ((long)b * call.KvHeads + kvHead) * call.PastRows * d;
        TStored* keys = call.PresentKey + present, values = call.PresentValue + present;
        if (!call.KeyInPlace) CopyAndClear(call.PastKey + before, keys, d, from, to, past, end);
        if (!call.ValueInPlace) CopyAndClear(call.PastValue + before, values, d, from, to, past, end);
        for (int row = Math.Max(from, past); row < Math.Min(to, end); row++)
        {
            long token = (long)b * call.Sequence + (row - past);
            long at = token * call.KeyStride + (long)kvHead * d;
            TStored* key = call.Key + at, value = call.Value + at;
            if (call.RotaryPairs == 0) Copy(key, keys + (long)row * d, d);
            else
            {
                TokenRows<TLanes, TCodec, TStored>.Rotated(call, key, b, row - past, 1, scratch, scratch + d);
                TCodec.Write<TLanes>(scratch, d, keys + (long)row * d);
            }
            Copy(value, values + (long)row * d, d);
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
