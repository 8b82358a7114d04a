namespace OnnxEff.Ops;

public static partial class BlockMaskedAttention
{
    /// <summary>Outputs of the scalar reference; without append present is past.</summary>
    public sealed record Outputs(Dense<float> Output, Dense<float> PresentKey, Dense<float> PresentValue, Dense<float> Product);

    /// <summary>Computes the operator one number at a time, in double precision: the oracle of every kernel.</summary>
    /// <exception cref="ArgumentException">The inputs contradict each other; the message is the refusal.</exception>
    public static Outputs Reference(AttentionAttributes attributes, Inputs x)
    {
        AttentionGeometry g = AttentionGeometry.Derive(attributes, x.Shapes, x.SeqlensK?.Data, x.TotalSequenceLength, out string? refusal)
            ?? throw new ArgumentException(refusal, nameof(x));
        if (g.RefusePositions(x.PositionIds?.Data) is { } outside) throw new ArgumentException(outside, nameof(x));
        int d = g.HeadSize, dv = g.ValueHeadSize, keysAt = g.Packed ? g.QueryHeads * d : 0, valuesAt = g.Packed ? keysAt + g.KvHeads * d : 0;
        Dense<float> presentKey = Cache(x.PastKey, d, (b, s, h) => Rotate(Head(x.Key ?? x.Query, b, s, keysAt + h * d, d), b, s));
        Dense<float> presentValue = Cache(x.PastValue, dv, (b, s, h) => Head(x.Value ?? x.Query, b, s, valuesAt + h * dv, dv));
        Dense<float> output = Zeros(g.Batch, g.Sequence, g.QueryHeads * dv), product = Zeros(g.Batch, g.QueryHeads, g.Sequence, g.Total);
        for (int b = 0; b < g.Batch; b++)
            for (int s = 0; s < g.Sequence; s++)
                for (int h = 0; h < g.QueryHeads; h++)
                {
                    Span<float> stage = product.Data.AsSpan(((b * g.QueryHeads + h) * g.Sequence + s) * g.Total, g.Total);
                    Attend(b, s, h, stage).CopyTo(output.Data, ((b * g.Sequence + s) * g.QueryHeads + h) * dv);
                }
        return new(output, presentKey, presentValue, product);

        static Dense<float> Zeros(params long[] dims) => new(dims, new float[dims.Aggregate(1L, (a, b) => a * b)]);

        float[] Head(Dense<float> tensor, int b, int s, int at, int size) =>
            tensor.Data.AsSpan((int)((b * g.Sequence + s) * tensor.Dims[2]) + at, size).ToArray();

        float[] Rotate(float[] head, int b, int s)
        {
            var rotated = (float[])head.Clone();
            for (int i = 0; i < g.RotaryPairs; i++)
            {
                long position = x.PositionIds?[b, s] ?? g.QueryStarts[b] + s;
                (double cos, double sin) = g.TableRows > 0
                    ? (x.Cos![position, i], x.Sin![position, i])
                    : (x.Cos![b, s, i], (double)x.Sin![b, s, i]);
                (int even, int odd) = attributes.RotaryInterleaved ? (2 * i, 2 * i + 1) : (i, i + g.RotaryPairs);
                rotated[even] = (float)(head[even] * cos - head[odd] * sin);
                rotated[odd] = (float)(head[odd] * cos + head[even] * sin);
            }
            return rotated;
        }

        Dense<float> Cache(Dense<float>? past, int size, Func<int, int, int, float[]> newRow)
        {
            if (!g.Append) return past!;
            Dense<float> present = Zeros(g.Batch, g.KvHeads, g.PresentRows, size);
            for (int b = 0; b < g.Batch; b++)
                for (int h = 0; h < g.KvHeads; h++)
                {
                    int head = b * g.KvHeads + h, first = head * g.PresentRows + g.QueryStarts[b];
                    if (past is not null)
                        Array.Copy(past.Data, head * g.PastRows * size, present.Data, head * g.PresentRows * size, g.QueryStarts[b] * size);
                    for (int s = 0; s < g.Sequence; s++) newRow(b, s, h).CopyTo(present.Data, (first + s) * size);
                }
            return present;
        }

        long ChunkOf(int b, long index)
        {
            long origin = 0;
            if (attributes.ChunkFromFirstKey && x.KeyMask is not null)
                while (origin < g.Total && x.KeyMask[b, origin] == 0) origin++;
            return (long)Math.Floor((double)(index - origin) / attributes.Chunk);
        }

        bool Visible(int b, int query, int key) =>
            key < g.TotalLengths[b]
            && (x.KeyMask is null || x.KeyMask[b, key] != 0)
            && (!attributes.Causal || key <= query)
            && (attributes.Window < 0 || key > (long)query - attributes.Window)
            && (attributes.WindowRight < 0 || key <= (long)query + attributes.WindowRight)
            && (attributes.Chunk == 0 || ChunkOf(b, key) == ChunkOf(b, query));

        bool Planned(int b, int h, int s, int key) => x.Plan?.Sees(b, h / g.Group, s, key) ?? true;

        float[] Attend(int b, int s, int h, Span<float> stage)
        {
            float[] q = Rotate(Head(x.Query, b, s, h * d, d), b, s);
            double scale = attributes.Scale == 0 ? 1 / Math.Sqrt(d) : attributes.Scale;
            double[] scaled = new double[g.Total], capped = new double[g.Total], masked = new double[g.Total];
            int query = g.QueryStarts[b] + s;
            for (int t = 0; t < g.Total; t++)
            {
                for (int i = 0; i < d; i++) scaled[t] += (double)q[i] * presentKey[b, h / g.Group, t, i];
                scaled[t] *= scale;
                capped[t] = attributes.Softcap > 0 ? attributes.Softcap * Math.Tanh(scaled[t] / attributes.Softcap) : scaled[t];
                double bias = Visible(b, query, t) && Planned(b, h, s, t) ? x.Bias?[b, h, s, t] ?? 0 : double.NegativeInfinity;
                masked[t] = double.IsNegativeInfinity(bias) ? bias : capped[t] + bias + (x.Slopes?.Data[h] ?? 0.0) * (t - query);
            }
            double max = masked.Append(x.Sinks?.Data[h] ?? double.NegativeInfinity).Max();
            double[] weights = Array.ConvertAll(masked, logit => double.IsNegativeInfinity(logit) ? 0 : Math.Exp(logit - max));
            double sum = weights.Sum() + (x.Sinks is null ? 0 : Math.Exp(x.Sinks.Data[h] - max));
            if (sum == 0) sum = 1; // No key is visible: all weights are zero.
            var mixed = new double[dv];
            for (int t = 0; t < g.Total; t++)
                if (weights[t] != 0)
                    for (int i = 0; i < dv; i++) mixed[i] += weights[t] / sum * presentValue[b, h / g.Group, t, i];
            for (int t = 0; t < g.Total; t++)
                stage[t] = (float)(attributes.ProductStage switch
                {
                    ProductStage.Scaled => scaled[t],
                    ProductStage.Capped => capped[t],
                    ProductStage.Masked => masked[t],
                    _ => weights[t] / sum,
                });
            return Array.ConvertAll(mixed, value => (float)value);
        }
    }
}
