using OnnxEff.Ir;

namespace OnnxEff.Ops;

/// <summary>
/// Attention with KV cache, rotary embedding, grouped heads and every common mask:
/// softmax(softcap(scale · rot(q) · rot(k)ᵀ) + bias, over visible keys) · v.
/// </summary>
public static class BlockMaskedAttention
{
    /// <summary>The declaration.</summary>
    public static OperatorSchema Schema { get; } = new("BlockMaskedAttention", Since: 1,
        "Scaled dot-product attention over a KV cache. New keys are rotated and appended at each row's past length; key j is " +
        "visible to query s of row b when j is below the row's length, key_mask[b, j] is set, and, if causal, j <= past + s and " +
        "j > past + s - window. A query that sees no key gives zeros. With P = T - S past is copied in front of the new rows; " +
        "with P >= T past is a buffer, present has its shape, and one buffer bound to both is written in place.")
    {
        Types =
        [
            new("T", ElementType.Float32, ElementType.Float16),
            new("M", ElementType.Int64, ElementType.Int32, ElementType.Bool),
            new("I", ElementType.Int32),
            new("L", ElementType.Int64),
        ],
        Inputs =
        [
            new("query", "T", "B, S, Hq*D", "Queries; [B, S, (Hq+2*Hkv)*D] holds query, key, value when key and value are absent."),
            new("key", "T", "B, S, Hkv*D", "New keys, not rotated.", Optional: true),
            new("value", "T", "B, S, Hkv*D", "New values.", Optional: true),
            new("past_key", "T", "B, Hkv, P, D", "Keys of former calls, rotated.", Optional: true),
            new("past_value", "T", "B, Hkv, P, D", "Values of former calls.", Optional: true),
            new("key_mask", "M", "B, T", "Nonzero where a key may be seen.", Optional: true),
            new("seqlens_k", "I", "B", "Keys of each row after this call, minus one; the row's new tokens start at seqlens_k + 1 - S, " +
                "or at 0 for a first prompt (S = T), which is padded on the right.", Optional: true),
            new("total_sequence_length", "I", "", "T; without it T is the width of key_mask, of bias, or P + S. Masks may then be wider than T.", Optional: true),
            new("position_ids", "L", "B, S", "Rows of the cos/sin table; without it past length + s. One row serves all batches.", Optional: true),
            new("cos", "T", "M, R/2", "Table of cosines, or [B or 1, S, R/2] per token. Rotates the first R elements of a head.", Optional: true),
            new("sin", "T", "M, R/2", "Sines, of the same form as cos.", Optional: true),
            new("bias", "T", "B|1, Hq|1, S|1, T", "Added to the logits after softcap; -inf hides a key.", Optional: true),
            new("sinks", "T", "Hq", "A logit that only takes part in the softmax denominator.", Optional: true),
        ],
        Outputs =
        [
            new("output", "T", "B, S, Hq*D", "Mixed values."),
            new("present_key", "T", "B, Hkv, T or P, D", "past_key with the new keys; zeros behind a row's last token unless written in place.", Optional: true),
            new("present_value", "T", "B, Hkv, T or P, D", "past_value with the new values.", Optional: true),
        ],
        Attributes =
        [
            new("num_heads", ElementType.Int64, null, "Hq."),
            new("kv_num_heads", ElementType.Int64, null, "Hkv, a divisor of Hq."),
            new("scale", ElementType.Float32, 0, "Factor of the logits; 0 stands for 1/sqrt(D)."),
            new("softcap", ElementType.Float32, 0, "c in c*tanh(x/c); 0 for none."),
            new("causal", ElementType.Int64, 1, "1 when a query sees no key behind its own index."),
            new("window", ElementType.Int64, -1, "Keys that a query sees, its own included; -1 for all. Needs causal."),
            new("rotary_interleaved", ElementType.Int64, 0, "1 for pairs (2i, 2i+1), 0 for pairs (i, i+R/2)."),
        ],
    };

    /// <summary>Inputs of the scalar reference; null where the node leaves one out.</summary>
    public sealed record Inputs(Dense<float> Query)
    {
        /// <summary><c>key</c></summary>
        public Dense<float>? Key { get; init; }

        /// <summary><c>value</c></summary>
        public Dense<float>? Value { get; init; }

        /// <summary><c>past_key</c></summary>
        public Dense<float>? PastKey { get; init; }

        /// <summary><c>past_value</c></summary>
        public Dense<float>? PastValue { get; init; }

        /// <summary><c>key_mask</c></summary>
        public Dense<long>? KeyMask { get; init; }

        /// <summary><c>seqlens_k</c></summary>
        public Dense<int>? SeqlensK { get; init; }

        /// <summary><c>total_sequence_length</c></summary>
        public int? TotalSequenceLength { get; init; }

        /// <summary><c>position_ids</c></summary>
        public Dense<long>? PositionIds { get; init; }

        /// <summary><c>cos</c></summary>
        public Dense<float>? Cos { get; init; }

        /// <summary><c>sin</c></summary>
        public Dense<float>? Sin { get; init; }

        /// <summary><c>bias</c></summary>
        public Dense<float>? Bias { get; init; }

        /// <summary><c>sinks</c></summary>
        public Dense<float>? Sinks { get; init; }

        /// <summary>The sizes alone.</summary>
        public AttentionShapes Shapes => new(Query.Dims)
        {
            Key = Key?.Dims,
            Value = Value?.Dims,
            PastKey = PastKey?.Dims,
            PastValue = PastValue?.Dims,
            KeyMask = KeyMask?.Dims,
            SeqlensK = SeqlensK?.Dims,
            PositionIds = PositionIds?.Dims,
            Cos = Cos?.Dims,
            Sin = Sin?.Dims,
            Bias = Bias?.Dims,
            Sinks = Sinks?.Dims,
        };
    }

    /// <summary>Outputs of the scalar reference.</summary>
    public sealed record Outputs(Dense<float> Output, Dense<float> PresentKey, Dense<float> PresentValue);

    /// <summary>Computes the operator one number at a time, in double precision: the oracle of every kernel.</summary>
    /// <exception cref="ArgumentException">The inputs contradict each other; the message is the refusal.</exception>
    public static Outputs Reference(AttentionAttributes attributes, Inputs x)
    {
        AttentionGeometry g = AttentionGeometry.Derive(attributes, x.Shapes, x.SeqlensK?.Data, x.TotalSequenceLength, out string? refusal)
            ?? throw new ArgumentException(refusal, nameof(x));
        if (g.RefusePositions(x.PositionIds?.Data) is { } outside) throw new ArgumentException(outside, nameof(x));
        int d = g.HeadSize, kOffset = g.Packed ? g.QueryHeads : 0, vOffset = g.Packed ? kOffset + g.KvHeads : 0;
        Dense<float> presentKey = Cache(x.PastKey, (b, s, h) => Rotate(Head(x.Key ?? x.Query, b, s, kOffset + h), b, s));
        Dense<float> presentValue = Cache(x.PastValue, (b, s, h) => Head(x.Value ?? x.Query, b, s, vOffset + h));
        Dense<float> output = new([g.Batch, g.Sequence, g.QueryHeads * d], new float[g.Batch * g.Sequence * g.QueryHeads * d]);
        for (int b = 0; b < g.Batch; b++)
            for (int s = 0; s < g.Sequence; s++)
                for (int h = 0; h < g.QueryHeads; h++)
                    Attend(b, s, h).CopyTo(output.Data, ((b * g.Sequence + s) * g.QueryHeads + h) * d);
        return new(output, presentKey, presentValue);

        float[] Head(Dense<float> tensor, int b, int s, int h) =>
            tensor.Data.AsSpan((int)((b * g.Sequence + s) * tensor.Dims[2]) + h * d, d).ToArray();

        float[] Rotate(float[] head, int b, int s)
        {
            var rotated = (float[])head.Clone();
            for (int i = 0; i < g.RotaryPairs; i++)
            {
                long position = x.PositionIds?[b, s] ?? g.PastLengths[b] + s;
                (double cos, double sin) = g.TableRows > 0
                    ? (x.Cos![position, i], x.Sin![position, i])
                    : (x.Cos![b, s, i], (double)x.Sin![b, s, i]);
                (int even, int odd) = attributes.RotaryInterleaved ? (2 * i, 2 * i + 1) : (i, i + g.RotaryPairs);
                rotated[even] = (float)(head[even] * cos - head[odd] * sin);
                rotated[odd] = (float)(head[odd] * cos + head[even] * sin);
            }
            return rotated;
        }

        Dense<float> Cache(Dense<float>? past, Func<int, int, int, float[]> newRow)
        {
            Dense<float> present = new([g.Batch, g.KvHeads, g.PresentRows, d], new float[g.Batch * g.KvHeads * g.PresentRows * d]);
            for (int b = 0; b < g.Batch; b++)
                for (int h = 0; h < g.KvHeads; h++)
                {
                    int head = b * g.KvHeads + h, first = head * g.PresentRows + g.PastLengths[b];
                    if (past is not null)
                        Array.Copy(past.Data, head * g.PastRows * d, present.Data, head * g.PresentRows * d, g.PastLengths[b] * d);
                    for (int s = 0; s < g.Sequence; s++) newRow(b, s, h).CopyTo(present.Data, (first + s) * d);
                }
            return present;
        }

        bool Visible(int b, int query, int key) =>
            key < g.TotalLengths[b]
            && (x.KeyMask is null || x.KeyMask[b, key] != 0)
            && (!attributes.Causal || key <= query)
            && (attributes.Window < 0 || key > query - attributes.Window);

        float[] Attend(int b, int s, int h)
        {
            float[] q = Rotate(Head(x.Query, b, s, h), b, s);
            double scale = attributes.Scale == 0 ? 1 / Math.Sqrt(d) : attributes.Scale;
            var logits = new double[g.Total];
            for (int t = 0; t < g.Total; t++)
            {
                double dot = 0;
                for (int i = 0; i < d; i++) dot += (double)q[i] * presentKey[b, h / g.Group, t, i];
                double logit = dot * scale;
                if (attributes.Softcap > 0) logit = attributes.Softcap * Math.Tanh(logit / attributes.Softcap);
                logits[t] = Visible(b, g.PastLengths[b] + s, t) ? logit + (x.Bias?[b, h, s, t] ?? 0) : double.NegativeInfinity;
            }
            var mixed = new double[d];
            double max = logits.Append(x.Sinks?.Data[h] ?? double.NegativeInfinity).Max();
            double sum = x.Sinks is null ? 0 : Math.Exp(x.Sinks.Data[h] - max);
            for (int t = 0; t < g.Total; t++)
            {
                if (double.IsNegativeInfinity(logits[t])) continue;
                double weight = Math.Exp(logits[t] - max);
                sum += weight;
                for (int i = 0; i < d; i++) mixed[i] += weight * presentValue[b, h / g.Group, t, i];
            }
            return Array.ConvertAll(mixed, value => sum == 0 ? 0 : (float)(value / sum));
        }
    }
}
