namespace OnnxEff.Ops;

/// <summary>Sizes of the inputs of a <see cref="BlockMaskedAttention"/> call; null where the node leaves one out.</summary>
public sealed record AttentionShapes(long[] Query)
{
    /// <summary>Sizes of <c>key</c>.</summary>
    public long[]? Key { get; init; }

    /// <summary>Sizes of <c>value</c>.</summary>
    public long[]? Value { get; init; }

    /// <summary>Sizes of <c>past_key</c>.</summary>
    public long[]? PastKey { get; init; }

    /// <summary>Sizes of <c>past_value</c>.</summary>
    public long[]? PastValue { get; init; }

    /// <summary>Sizes of <c>key_mask</c>.</summary>
    public long[]? KeyMask { get; init; }

    /// <summary>Sizes of <c>seqlens_k</c>.</summary>
    public long[]? SeqlensK { get; init; }

    /// <summary>Sizes of <c>position_ids</c>.</summary>
    public long[]? PositionIds { get; init; }

    /// <summary>Sizes of <c>cos</c>.</summary>
    public long[]? Cos { get; init; }

    /// <summary>Sizes of <c>sin</c>.</summary>
    public long[]? Sin { get; init; }

    /// <summary>Sizes of <c>bias</c>.</summary>
    public long[]? Bias { get; init; }

    /// <summary>Sizes of <c>sinks</c>.</summary>
    public long[]? Sinks { get; init; }

    /// <summary>Sizes of <c>slopes</c>.</summary>
    public long[]? Slopes { get; init; }

    /// <summary>Sizes of <c>plan_splits</c>.</summary>
    public long[]? PlanSplits { get; init; }

    /// <summary>Sizes of <c>plan_tiles</c>.</summary>
    public long[]? PlanTiles { get; init; }

    /// <summary>Sizes of <c>plan_bits</c>.</summary>
    public long[]? PlanBits { get; init; }
}

/// <summary>What the sizes and lengths of a <see cref="BlockMaskedAttention"/> call mean, after every check.</summary>
public sealed record AttentionGeometry
{
    /// <summary>B.</summary>
    public required int Batch { get; init; }

    /// <summary>S: new tokens of each row.</summary>
    public required int Sequence { get; init; }

    /// <summary>Hq.</summary>
    public required int QueryHeads { get; init; }

    /// <summary>Hkv.</summary>
    public required int KvHeads { get; init; }

    /// <summary>D.</summary>
    public required int HeadSize { get; init; }

    /// <summary>Dv.</summary>
    public required int ValueHeadSize { get; init; }

    /// <summary>True when new keys and values are written behind the past.</summary>
    public required bool Append { get; init; }

    /// <summary>True when query carries key and value behind it.</summary>
    public required bool Packed { get; init; }

    /// <summary>P: rows of past_key, 0 without one.</summary>
    public required int PastRows { get; init; }

    /// <summary>T: keys that masks and bias speak of.</summary>
    public required int Total { get; init; }

    /// <summary>Rows of the cache after this call: T, or P when past is a buffer of at least T rows.</summary>
    public required int PresentRows { get; init; }

    /// <summary>R/2: rotated pairs of each head, 0 without rotary.</summary>
    public required int RotaryPairs { get; init; }

    /// <summary>Rows M of the cos/sin table, or 0 when cos and sin come per token.</summary>
    public required int TableRows { get; init; }

    /// <summary>[B] index of row b's first query among its keys; new keys are written from there on.</summary>
    public required int[] QueryStarts { get; init; }

    /// <summary>[B] keys of row b that can be seen at all after this call.</summary>
    public required int[] TotalLengths { get; init; }

    /// <summary>Query heads that share one key head.</summary>
    public int Group => QueryHeads / KvHeads;

    /// <summary>Elements of one token in query: heads of key and value included when packed.</summary>
    public int QueryWidth => QueryHeads * HeadSize + (Packed ? KvHeads * (HeadSize + ValueHeadSize) : 0);

    /// <summary>Derives the geometry, or says in a sentence why the inputs contradict each other.</summary>
    /// <param name="attributes">Attributes that passed <see cref="AttentionAttributes.Refusal"/>.</param>
    /// <param name="shapes">Sizes of the inputs.</param>
    /// <param name="seqlensK">Values of seqlens_k; read only when its shape is given.</param>
    /// <param name="totalSequenceLength">Value of total_sequence_length, or null.</param>
    /// <param name="refusal">The sentence, null on success.</param>
    public static AttentionGeometry? Derive(
        AttentionAttributes attributes, AttentionShapes shapes, ReadOnlySpan<int> seqlensK, int? totalSequenceLength,
        out string? refusal)
    {
        try
        {
            refusal = null;
            return new AttentionShapeCheck(attributes, shapes).Run(seqlensK, totalSequenceLength);
        }
        catch (ShapeRefusedException refused)
        {
            refusal = refused.Message;
            return null;
        }
    }

    /// <summary>Why a position lies outside of the cos/sin table, or null when all lie inside or no table is used.</summary>
    /// <param name="positionIds">[B, S] or [1, S]; empty for implicit positions.</param>
    public string? RefusePositions(ReadOnlySpan<long> positionIds)
    {
        if (TableRows == 0 || RotaryPairs == 0 || Batch == 0 || Sequence == 0) return null;
        if (positionIds.IsEmpty)
        {
            long first = QueryStarts.Min(), last = QueryStarts.Max() + (long)Sequence - 1;
            return first >= 0 && last < TableRows ? null
                : $"Position {(first < 0 ? first : last)} lies outside of the cos/sin table of {TableRows} rows.";
        }
        foreach (long position in positionIds)
            if ((ulong)position >= (ulong)TableRows)
                return $"position_ids holds {position}, outside of the cos/sin table of {TableRows} rows.";
        return null;
    }
}
