using System.Diagnostics.CodeAnalysis;

namespace OnnxEff.Ops;

/// <summary>Carries a refusal out of the nested checks of <see cref="AttentionShapeCheck"/>; never leaves this project.</summary>
sealed class ShapeRefusedException(string message) : Exception(message);

/// <summary>The checks behind <see cref="AttentionGeometry.Derive"/>, in the order of the inputs.</summary>
readonly ref struct AttentionShapeCheck(AttentionAttributes attributes, AttentionShapes shapes)
{
    const int MostKeys = 1 << 30; // Keeps every index of a key, and a block further, inside an int.

    public AttentionGeometry Run(ReadOnlySpan<int> seqlensK, int? totalSequenceLength)
    {
        int hq = attributes.QueryHeads, hkv = attributes.KvHeads;
        Rank("query", shapes.Query, 3);
        int batch = Size("query", shapes.Query, 0), sequence = Size("query", shapes.Query, 1);
        bool packed = attributes.Append && shapes.Key is null && shapes.Value is null;
        (int headSize, int valueSize) = packed ? PackedHeadSizes() : HeadSizes();
        if ((long)hq * valueSize > int.MaxValue) Refuse($"{hq} value heads of {valueSize} elements are more than an output row holds.");
        if (!attributes.Append) KeysAreInPast();
        else if (!packed)
        {
            Exactly("key", shapes.Key, batch, sequence, (long)hkv * headSize);
            Exactly("value", shapes.Value, batch, sequence, (long)hkv * valueSize);
        }
        int past = PastRows(batch, hkv, headSize, valueSize);
        int appended = attributes.Append ? sequence : 0;
        int total = Total(totalSequenceLength, past, appended);
        if (past != total - appended && past < total)
            Refuse($"past_key has {past} rows: with {appended} new of {total} tokens it needs {total - appended}, " +
                $"or a buffer of at least {total}.");
        CheckMasks(batch, sequence, total, totalSequenceLength is not null);
        (int pairs, int table) = Rotary(batch, sequence, headSize);
        int[] starts = new int[batch], totals = new int[batch];
        Lengths(seqlensK, sequence, total, past, starts, totals);
        if (shapes.PlanSplits is not null || shapes.PlanTiles is not null || shapes.PlanBits is not null) CheckPlan(batch, sequence, total, starts);
        return new AttentionGeometry
        {
            Batch = batch,
            Sequence = sequence,
            QueryHeads = hq,
            KvHeads = hkv,
            HeadSize = headSize,
            ValueHeadSize = valueSize,
            Append = attributes.Append,
            Packed = packed,
            PastRows = past,
            Total = total,
            PresentRows = Math.Max(past, total),
            RotaryPairs = pairs,
            TableRows = table,
            QueryStarts = starts,
            TotalLengths = totals,
        };
    }

    (int Key, int Value) HeadSizes()
    {
        int width = Size("query", shapes.Query, 2), heads = attributes.QueryHeads;
        if (width == 0 || width % heads != 0) Refuse($"query has {width} columns, which are not {heads} heads of one size.");
        return (width / heads, attributes.ValueHeadSize == 0 ? width / heads : attributes.ValueHeadSize);
    }

    (int Key, int Value) PackedHeadSizes()
    {
        int given = attributes.ValueHeadSize;
        long values = (long)attributes.KvHeads * given, width = Size("query", shapes.Query, 2) - values;
        long heads = (long)attributes.QueryHeads + (given == 0 ? 2 : 1) * attributes.KvHeads;
        if (width <= 0 || width % heads != 0)
            Refuse($"query has {shapes.Query[2]} columns, which are not {heads} heads of one size " +
                (given == 0 ? "(packed query, key and value)." : $"and {values} columns of values (packed query, key and value)."));
        return ((int)(width / heads), given == 0 ? (int)(width / heads) : given);
    }

    void KeysAreInPast()
    {
        if (shapes.Key is not null || shapes.Value is not null) Refuse("append = 0 takes keys and values from past: key and value must be absent.");
        if (shapes.PastKey is null || shapes.PastValue is null) Refuse("append = 0 takes keys and values from past: past_key and past_value must be given.");
    }

    int PastRows(int batch, int hkv, int headSize, int valueSize)
    {
        if (shapes.PastKey is null && shapes.PastValue is null) return 0;
        if (shapes.PastKey is null || shapes.PastValue is null) Refuse("past_key and past_value must be given together.");
        Rank("past_key", shapes.PastKey, 4);
        int rows = Size("past_key", shapes.PastKey, 2);
        Exactly("past_key", shapes.PastKey, batch, hkv, rows, headSize);
        Exactly("past_value", shapes.PastValue, batch, hkv, rows, valueSize);
        return rows;
    }

    int Total(int? given, int past, int appended)
    {
        long total = given
            ?? (shapes.KeyMask is { Length: 2 } ? Size("key_mask", shapes.KeyMask, 1) : (long?)null)
            ?? (shapes.Bias is { Length: 4 } ? Size("bias", shapes.Bias, 3) : (long?)null)
            ?? (long)past + appended;
        if (total < appended) Refuse($"The total sequence length is {total}, less than the {appended} new tokens.");
        if (Math.Max(past, total) > MostKeys) Refuse($"{Math.Max(past, total)} keys are more than the {MostKeys} that are supported.");
        return (int)total;
    }

    void CheckMasks(int batch, int sequence, int total, bool mayBeWider)
    {
        if (shapes.KeyMask is { } mask)
        {
            Rank("key_mask", mask, 2);
            if (mask[0] != batch || !Covers(mask[1], total, mayBeWider))
                Refuse($"key_mask is {Text(mask)}; expected [{batch}, {total}].");
        }
        if (shapes.Bias is { } bias)
        {
            Rank("bias", bias, 4);
            int heads = attributes.QueryHeads;
            if (!Is(bias[0], batch) || !Is(bias[1], heads) || !Is(bias[2], sequence) || !Covers(bias[3], total, mayBeWider))
                Refuse($"bias is {Text(bias)}; expected [{batch} or 1, {heads} or 1, {sequence} or 1, {total}].");
        }
        if (shapes.Sinks is { } sinks) Exactly("sinks", sinks, attributes.QueryHeads);
        if (shapes.Slopes is { } slopes) Exactly("slopes", slopes, attributes.QueryHeads);
    }

    void CheckPlan(int batch, int sequence, int total, int[] starts)
    {
        if (shapes.PlanSplits is not { } splits || shapes.PlanTiles is not { } tiles || shapes.PlanBits is not { } bits)
        {
            Refuse("plan_splits, plan_tiles and plan_bits must be given together.");
            return;
        }
        Rank("plan_splits", splits, 3);
        Rank("plan_bits", bits, 2);
        Exactly("plan_tiles", tiles, tiles[0], 2);
        if (bits[1] < 1) Refuse($"plan_bits is {Text(bits)}: a block has at least one query.");
        long blocks = (sequence + bits[1] - 1) / bits[1];
        if (!Is(splits[0], batch) || !Is(splits[1], attributes.KvHeads) || splits[2] != blocks + 1)
            Refuse($"plan_splits is {Text(splits)}; expected [{batch} or 1, {attributes.KvHeads} or 1, {blocks + 1}].");
        if (starts.AsSpan().ContainsAnyExcept(total - sequence)) Refuse($"A plan is for queries that are the last {sequence} of {total} keys in every row; seqlens_k says otherwise.");
    }

    (int Pairs, int Table) Rotary(int batch, int sequence, int headSize)
    {
        if (shapes.PositionIds is { } positions)
        {
            Rank("position_ids", positions, 2);
            if (!Is(positions[0], batch) || positions[1] != sequence)
                Refuse($"position_ids is {Text(positions)}; expected [{batch}, {sequence}].");
        }
        if (shapes.Cos is null && shapes.Sin is null) return (0, 0);
        if (shapes.Cos is null || shapes.Sin is null) Refuse("cos and sin must be given together.");
        if (!shapes.Cos.AsSpan().SequenceEqual(shapes.Sin)) Refuse($"cos is {Text(shapes.Cos)} but sin is {Text(shapes.Sin)}.");
        bool table = shapes.Cos.Length == 2;
        if (!table)
        {
            Rank("cos", shapes.Cos, 3);
            if (!Is(shapes.Cos[0], batch) || shapes.Cos[1] != sequence)
                Refuse($"cos is {Text(shapes.Cos)}; expected [{batch} or 1, {sequence}, R/2] or a table [M, R/2].");
        }
        int pairs = Size("cos", shapes.Cos, shapes.Cos.Length - 1);
        if (2L * pairs > headSize) Refuse($"cos rotates {2L * pairs} elements of heads that have {headSize}.");
        int rows = table ? Size("cos", shapes.Cos, 0) : 0;
        if (table && rows == 0 && pairs > 0 && batch > 0 && sequence > 0) Refuse("The cos/sin table has no rows.");
        return (pairs, rows);
    }

    void Lengths(ReadOnlySpan<int> seqlensK, int sequence, int total, int past, int[] starts, int[] totals)
    {
        if (shapes.SeqlensK is null)
        {
            Array.Fill(starts, total - sequence);
            Array.Fill(totals, total);
            return;
        }
        if (shapes.SeqlensK.Aggregate(1L, (a, b) => a * b) != starts.Length || seqlensK.Length != starts.Length)
            Refuse($"seqlens_k is {Text(shapes.SeqlensK)}; expected [{starts.Length}].");
        for (int b = 0; b < starts.Length; b++)
        {
            long keys = seqlensK[b] + 1L;
            long before = attributes.Append && sequence == total ? 0 : keys - sequence;
            if (keys < 0 || keys > total || (attributes.Append && (before < 0 || before > past)))
                Refuse($"seqlens_k[{b}] is {seqlensK[b]}: not possible for {(attributes.Append ? sequence : 0)} new of at most {total} tokens " +
                    $"and {past} rows of past.");
            (starts[b], totals[b]) = ((int)before, (int)keys);
        }
    }

    static bool Is(long size, int expected) => size == expected || size == 1;

    static bool Covers(long size, int total, bool mayBeWider) => size == total || (mayBeWider && size > total);

    static int Size(string name, long[] dims, int axis)
    {
        if (dims[axis] is < 0 or > int.MaxValue) Refuse($"{name} is {Text(dims)}: a size is out of range.");
        return (int)dims[axis];
    }

    static void Rank(string name, long[] dims, int rank)
    {
        if (dims.Length != rank) Refuse($"{name} must have {rank} axes; it is {Text(dims)}.");
    }

    static void Exactly(string name, long[]? dims, params ReadOnlySpan<long> expected)
    {
        if (dims is null) Refuse($"{name} is missing: key and value must be given together.");
        if (!expected.SequenceEqual(dims)) Refuse($"{name} is {Text(dims)}; expected {Text(expected.ToArray())}.");
    }

    static string Text(long[] dims) => $"[{string.Join(", ", dims)}]";

    [DoesNotReturn]
    static void Refuse(string sentence) => throw new ShapeRefusedException(sentence);
}
