using OnnxEff.Ops;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>One checked call: typed pointers, strides and lengths, as every stage of the kernel reads them.</summary>
sealed unsafe class AttentionCall<TStored> where TStored : unmanaged
{
    public readonly int Batch, Sequence, QueryHeads, KvHeads, Group, HeadSize, ValueHeadSize, PastRows, PresentRows, Total, RotaryPairs;
    public readonly int[] QueryStarts;
    public readonly VisibleKeys Visible;

    /// <summary>The tiles that are looked at; null for all.</summary>
    public readonly PlannedTiles? Plan;

    public readonly float Scale, Softcap;
    public readonly bool Append, RotaryInterleaved;

    /// <summary>New tokens: head h of token t is at base + t · stride + h · D, or · Dv for values.</summary>
    public readonly TStored* Query, Key, Value;
    public readonly long QueryStride, KeyStride, ValueStride;

    public readonly TStored* PastKey, PastValue, PresentKey, PresentValue, Output, Sinks, Slopes;
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
        (Batch, Sequence, QueryHeads, KvHeads, Group) = (g.Batch, g.Sequence, g.QueryHeads, g.KvHeads, g.Group);
        (HeadSize, ValueHeadSize, RotaryPairs) = (g.HeadSize, g.ValueHeadSize, g.RotaryPairs);
        (PastRows, PresentRows, Total, QueryStarts, Append) = (g.PastRows, g.PresentRows, g.Total, g.QueryStarts, g.Append);
        Visible = new VisibleKeys(attributes, g, keyMask);
        Plan = x.PlanSplits.Dims is null ? null : new PlannedTiles(x);
        Scale = attributes.Scale == 0 ? (float)(1 / Math.Sqrt(HeadSize)) : attributes.Scale;
        Softcap = attributes.Softcap;
        RotaryInterleaved = attributes.RotaryInterleaved;
        QueryStride = g.QueryWidth;
        KeyStride = g.Packed ? QueryStride : (long)KvHeads * HeadSize;
        ValueStride = g.Packed ? QueryStride : (long)KvHeads * ValueHeadSize;
        Query = (TStored*)x.Query.Data;
        Key = g.Packed ? Query + (long)QueryHeads * HeadSize : (TStored*)x.Key.Data;
        Value = g.Packed ? Key + (long)KvHeads * HeadSize : (TStored*)x.Value.Data;
        PastKey = (TStored*)x.PastKey.Data;
        PastValue = (TStored*)x.PastValue.Data;
        PresentKey = Append ? presentKey : PastKey;
        PresentValue = Append ? presentValue : PastValue;
        Output = (TStored*)results.Output;
        (KeyInPlace, ValueInPlace) = (PastKey == PresentKey, PastValue == PresentValue);
        Sinks = (TStored*)x.Sinks.Data;
        Slopes = (TStored*)x.Slopes.Data;
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
            : QueryStarts[b] + (long)s;
        return ((nint)(cos + row * RotaryPairs), (nint)(sin + row * RotaryPairs));
    }

    /// <summary>A row of a key head in the cache after this call.</summary>
    public TStored* KeyRow(int b, int kvHead, int row) => PresentKey + (((long)b * KvHeads + kvHead) * PresentRows + row) * HeadSize;

    /// <summary>A row of a value head in the cache after this call.</summary>
    public TStored* ValueRow(int b, int kvHead, int row) => PresentValue + (((long)b * KvHeads + kvHead) * PresentRows + row) * ValueHeadSize;

    /// <summary>bias[b, h, s, key], where the call has a bias.</summary>
    public TStored* BiasAt(int b, int head, int s, int key) => Bias + b * BiasBatch + head * BiasHead + s * BiasQuery + key;
}
