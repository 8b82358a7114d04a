using OnnxEff.Ops;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>One checked call: typed pointers, strides and lengths, as every stage of the kernel reads them.</summary>
sealed unsafe class AttentionCall<TStored> where TStored : unmanaged
{
    public readonly int Batch, Sequence, QueryHeads, KvHeads, Group, HeadSize, PastRows, PresentRows, Total, RotaryPairs;
    public readonly int[] PastLengths, TotalLengths;
    public readonly float Scale, Softcap;
    public readonly bool Causal, RotaryInterleaved;
    public readonly int Window;

    /// <summary>New tokens: head h of token t is at base + t · stride + h · D.</summary>
    public readonly TStored* Query, Key, Value;
    public readonly long QueryStride, KeyStride;

    public readonly TStored* PastKey, PastValue, PresentKey, PresentValue, Output, Sinks;
    public readonly bool KeyInPlace, ValueInPlace;

    /// <summary>bias[b, h, s, t] is at Bias + b · BiasBatch + h · BiasHead + s · BiasQuery + t; a repeated axis has stride 0.</summary>
    public readonly TStored* Bias;
    public readonly long BiasBatch, BiasHead, BiasQuery;

    /// <summary>[B, T] bytes, nonzero where a key may be seen; null when all may.</summary>
    public readonly byte* KeyMask;

    readonly TStored* cos, sin;
    readonly long cosBatch;
    readonly bool table;
    readonly long* positions;
    readonly bool sharedPositions;

    public AttentionCall(
        AttentionAttributes attributes, AttentionGeometry g, AttentionTensors x, in AttentionResults results,
        TStored* presentKey, TStored* presentValue, byte* keyMask)
    {
        (Batch, Sequence, QueryHeads, KvHeads, Group, HeadSize) = (g.Batch, g.Sequence, g.QueryHeads, g.KvHeads, g.Group, g.HeadSize);
        (PastRows, PresentRows, Total, RotaryPairs) = (g.PastRows, g.PresentRows, g.Total, g.RotaryPairs);
        (PastLengths, TotalLengths) = (g.PastLengths, g.TotalLengths);
        Scale = attributes.Scale == 0 ? (float)(1 / Math.Sqrt(HeadSize)) : attributes.Scale;
        (Softcap, Causal, Window) = (attributes.Softcap, attributes.Causal, attributes.Window);
        RotaryInterleaved = attributes.RotaryInterleaved;
        QueryStride = g.QueryWidth;
        KeyStride = g.Packed ? QueryStride : (long)KvHeads * HeadSize;
        Query = (TStored*)x.Query.Data;
        Key = g.Packed ? Query + (long)QueryHeads * HeadSize : (TStored*)x.Key.Data;
        Value = g.Packed ? Key + (long)KvHeads * HeadSize : (TStored*)x.Value.Data;
        PastKey = (TStored*)x.PastKey.Data;
        PastValue = (TStored*)x.PastValue.Data;
        PresentKey = presentKey;
        PresentValue = presentValue;
        Output = (TStored*)results.Output;
        (KeyInPlace, ValueInPlace) = (PastKey == PresentKey, PastValue == PresentValue);
        Sinks = (TStored*)x.Sinks.Data;
        if (x.Bias.Dims is { } bias)
        {
            Bias = (TStored*)x.Bias.Data;
            BiasQuery = bias[2] == 1 ? 0 : bias[3];
            BiasHead = bias[1] == 1 ? 0 : bias[2] * bias[3];
            BiasBatch = bias[0] == 1 ? 0 : bias[1] * bias[2] * bias[3];
        }
        KeyMask = keyMask;
        cos = (TStored*)x.Cos.Data;
        sin = (TStored*)x.Sin.Data;
        table = g.TableRows > 0;
        cosBatch = x.Cos.Dims is [1, _, _] ? 0 : Sequence;
        positions = (long*)x.PositionIds.Data;
        sharedPositions = x.PositionIds.Dims is [1, _];
    }

    /// <summary>Cosines and sines [R/2] of token s of row b.</summary>
    public (nint Cos, nint Sin) Angles(int b, int s)
    {
        long row = !table ? b * cosBatch + s
            : positions != null ? positions[(sharedPositions ? 0 : (long)b * Sequence) + s]
            : PastLengths[b] + (long)s;
        return ((nint)(cos + row * RotaryPairs), (nint)(sin + row * RotaryPairs));
    }

    /// <summary>First element of a key head's rows in the cache after this call.</summary>
    public long PresentOffset(int b, int kvHead) => ((long)b * KvHeads + kvHead) * PresentRows * HeadSize;
}
