using OnnxEff.Ir;

namespace OnnxEff.Ops;

/// <summary>
/// Attention with KV cache, rotary embedding, grouped heads and every common mask:
/// softmax(softcap(scale · rot(q) · rot(k)ᵀ) + bias + slope · (j - i), over visible keys) · v.
/// </summary>
public static partial class BlockMaskedAttention
{
    /// <summary>The declaration.</summary>
    public static OperatorSchema Schema { get; } = new("BlockMaskedAttention", Since: 1,
        "Scaled dot-product attention over a KV cache. New keys are rotated and appended at each row's past length; query s of a row " +
        "stands at index i = past + s among the row's keys. With append = 0 past holds all keys, nothing is written, and query s of a " +
        "row with L keys stands at i = L - S + s. Key j is visible to query i when j is below the row's length, key_mask[b, j] is set, " +
        "j > i - window, j <= i + window_right (causal: j <= i), i and j lie in the same chunk, and a plan shows it. A query that sees no key gives zeros, " +
        "and what hidden keys and values hold is never looked at. With P = T - S past is copied in front of the new rows; with P >= T " +
        "past is a buffer, present has its shape, and one buffer bound to both is written in place.")
    {
        Types =
        [
            new("T", ElementType.Float32, ElementType.Float16, ElementType.BFloat16),
            new("M", ElementType.Int64, ElementType.Int32, ElementType.Bool),
            new("I", ElementType.Int32),
            new("L", ElementType.Int64),
        ],
        Inputs =
        [
            new("query", "T", "B, S, Hq*D", "Queries; [B, S, (Hq+Hkv)*D + Hkv*Dv] holds query, key, value when key and value are absent."),
            new("key", "T", "B, S, Hkv*D", "New keys, not rotated.", Optional: true),
            new("value", "T", "B, S, Hkv*Dv", "New values.", Optional: true),
            new("past_key", "T", "B, Hkv, P, D", "Keys of former calls, rotated; with append = 0 all keys.", Optional: true),
            new("past_value", "T", "B, Hkv, P, Dv", "Values of former calls; with append = 0 all values.", Optional: true),
            new("key_mask", "M", "B, T", "Nonzero where a key may be seen.", Optional: true),
            new("seqlens_k", "I", "B", "Keys of each row after this call, minus one; the row's new tokens start at seqlens_k + 1 - S, " +
                "or at 0 for a first prompt (S = T, append = 1), which is padded on the right.", Optional: true),
            new("total_sequence_length", "I", "", "T; without it T is the width of key_mask, of bias, or P + S (append = 0: P). Masks may then be wider than T.", Optional: true),
            new("position_ids", "L", "B, S", "Rows of the cos/sin table; without it i. One row serves all batches.", Optional: true),
            new("cos", "T", "M, R/2", "Table of cosines, or [B or 1, S, R/2] per token. Rotates the first R elements of a head.", Optional: true),
            new("sin", "T", "M, R/2", "Sines, of the same form as cos.", Optional: true),
            new("bias", "T", "B|1, Hq|1, S|1, T", "Added to the logits after softcap; -inf hides a key.", Optional: true),
            new("sinks", "T", "Hq", "A logit that only takes part in the softmax denominator.", Optional: true),
            new("slopes", "T", "Hq", "ALiBi: slope * (j - i) is added to the logits after softcap.", Optional: true),
            new("plan_splits", "I", "B|1, Hkv|1, ceil(S/block_q)+1", "Of BlockMaskPlan: tiles that are not named are skipped. Needs queries that are the last S of T keys in every row.", Optional: true),
            new("plan_tiles", "I", "N, 2", "Of BlockMaskPlan.", Optional: true),
            new("plan_bits", "L", "M, block_q", "Of BlockMaskPlan.", Optional: true),
        ],
        Outputs =
        [
            new("output", "T", "B, S, Hq*Dv", "Mixed values."),
            new("present_key", "T", "B, Hkv, T or P, D", "past_key with the new keys; zeros behind a row's last token unless written in place. Needs append = 1.", Optional: true),
            new("present_value", "T", "B, Hkv, T or P, Dv", "past_value with the new values.", Optional: true),
            new("qk_matmul_output", "T", "B, Hq, S, T", "The logits at the stage that qk_matmul_output_mode names; asking for it takes a slow path.", Optional: true),
        ],
        Attributes =
        [
            new("num_heads", ElementType.Int64, null, "Hq."),
            new("kv_num_heads", ElementType.Int64, null, "Hkv, a divisor of Hq."),
            new("scale", ElementType.Float32, 0, "Factor of the logits; 0 stands for 1/sqrt(D)."),
            new("softcap", ElementType.Float32, 0, "c in c*tanh(x/c); 0 for none."),
            new("causal", ElementType.Int64, 1, "1 when a query sees no key behind its own index."),
            .. PlaceLimits.Attributes,
            new("chunk_from_first_key", ElementType.Int64, 0, "1 to count i and j of chunks from the first key that key_mask shows in the row."),
            new("value_head_size", ElementType.Int64, 0, "Dv; 0 for D."),
            new("append", ElementType.Int64, 1, "0 when past holds all keys and values; key, value and present are then absent."),
            new("qk_matmul_output_mode", ElementType.Int64, 0, "0 scaled product, 1 after softcap, 2 after bias, slopes and masks (-inf), 3 after softmax."),
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

        /// <summary><c>slopes</c></summary>
        public Dense<float>? Slopes { get; init; }

        /// <summary><c>plan_splits</c>, <c>plan_tiles</c>, <c>plan_bits</c></summary>
        public TilePlan? Plan { get; init; }

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
            Slopes = Slopes?.Dims,
            PlanSplits = Plan?.Splits.Dims,
            PlanTiles = Plan?.Tiles.Dims,
            PlanBits = Plan?.Bits.Dims,
        };
    }
}
