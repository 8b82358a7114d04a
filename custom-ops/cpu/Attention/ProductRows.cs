using OnnxEff.Ops;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>
/// qk_matmul_output: the logits [B, Hq, S, T] at one stage, for the few who ask for them. It runs after the attention itself,
/// when the cache is complete, and computes them anew, one query at a time.
/// </summary>
static unsafe class ProductRows<TLanes, TCodec, TStored>
    where TLanes : unmanaged, ILanes<TLanes>
    where TCodec : ICodec<TStored>
    where TStored : unmanaged
{
    /// <summary>Fills <paramref name="target"/>.</summary>
    public static void Write(AttentionCall<TStored> call, ProductStage stage, TStored* target, ParallelFor? parallel)
    {
        nuint scratchFloats = (nuint)call.Total + 2 * ((nuint)call.HeadSize + (nuint)call.RotaryPairs);
        Workers.Run(parallel, checked(call.Batch * call.QueryHeads), scratchFloats, (item, scratch) =>
        {
            for (int s = 0; s < call.Sequence; s++)
            {
                Row(call, stage, item / call.QueryHeads, item % call.QueryHeads, s, scratch);
                TCodec.Write<TLanes>(scratch, call.Total, target + ((long)item * call.Sequence + s) * call.Total);
            }
        });
    }

    static void Row(AttentionCall<TStored> call, ProductStage stage, int b, int head, int s, float* logits)
    {
        int d = call.HeadSize;
        float* q = logits + call.Total, key = q + d, angles = key + d;
        TStored* source = call.Query + ((long)b * call.Sequence + s) * call.QueryStride + (long)head * d;
        TokenRows<TLanes, TCodec, TStored>.Rotated(call, source, b, s, call.Scale, q, angles);
        for (int t = 0; t < call.Total; t++)
            logits[t] = LaneMath<TLanes>.Dot(q, TCodec.Expand<TLanes>(call.KeyRow(b, head / call.Group, t), d, key), d);
        if (stage == ProductStage.Scaled) return;
        if (call.Softcap > 0)
            for (int t = 0; t < call.Total; t++) logits[t] = call.Softcap * MathF.Tanh(logits[t] / call.Softcap);
        if (stage == ProductStage.Capped) return;
        Mask(call, b, head, s, logits);
        if (stage == ProductStage.Softmax) Normalise(new Span<float>(logits, call.Total), call.Sinks == null ? null : TCodec.Read(call.Sinks[head]));
    }

    static void Mask(AttentionCall<TStored> call, int b, int head, int s, float* logits)
    {
        KeyRange visible = call.Visible.Of(b, s);
        byte* mask = call.KeyMask == null ? null : call.KeyMask + (long)b * call.Total;
        float slope = call.Slopes == null ? 0 : TCodec.Read(call.Slopes[head]);
        for (int t = 0; t < call.Total; t++)
        {
            float bias = t < visible.From || t >= visible.To || (mask != null && mask[t] == 0) || call.Plan?.Sees(b, head / call.Group, s, t) == false ? float.NegativeInfinity
                : call.Bias == null ? 0 : TCodec.Read(*call.BiasAt(b, head, s, t));
            logits[t] = float.IsNegativeInfinity(bias) ? bias : logits[t] + bias + slope * (t - (call.QueryStarts[b] + (long)s));
        }
    }

    static void Normalise(Span<float> logits, float? sink)
    {
        float max = sink ?? float.NegativeInfinity, sum = 0;
        foreach (float logit in logits) max = MathF.Max(max, logit);
        foreach (ref float logit in logits)
        {
            logit = float.IsNegativeInfinity(logit) ? 0 : MathF.Exp(logit - max);
            sum += logit;
        }
        if (sink is { } extra) sum += MathF.Exp(extra - max);
        foreach (ref float logit in logits) logit = sum == 0 || logit == 0 ? logit : logit / sum;
    }
}
