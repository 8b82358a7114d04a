using System.Runtime.Intrinsics;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>
/// Few queries per key head (decode): every key and value is streamed once for four rows at a time, lanes run along the
/// head, and scores lie as [keys][4 rows], so that softmax works on whole vectors.
/// </summary>
readonly unsafe struct StreamTile<TLanes, TCodec, TStored> : IAttentionTile<StreamTile<TLanes, TCodec, TStored>, TStored>
    where TLanes : unmanaged, ILanes<TLanes>
    where TCodec : ICodec<TStored>
    where TStored : unmanaged
{
    readonly AttentionCall<TStored> call;
    readonly QueryTile tile;
    readonly int rows, groups, d, dv;
    // Per row: q [D], o [Dv]. Per group of four rows: m and l [4]. Shared: scores [keys][4].
    readonly float* q, o, m, l, scores;
    readonly KeyRange all; // Keys that every query of the tile sees.

    /// <inheritdoc/>
    public static int KeysPerBlock => 32 / sizeof(TStored); // Rows of 128 elements are a page then, and the next page is on its way while this one is used.

    /// <inheritdoc/>
    public static nuint ScratchFloats(AttentionCall<TStored> call, int queries) =>
        (nuint)GroupsOf(queries * call.Group) * 4 * ((nuint)call.HeadSize + (nuint)call.ValueHeadSize + 2) + 4 * (nuint)KeysPerBlock + 2 * (nuint)call.RotaryPairs
        + (nuint)call.HeadSize;

    static int GroupsOf(int rows) => (rows + 3) / 4;

    StreamTile(AttentionCall<TStored> call, QueryTile tile, float* scratch)
    {
        (this.call, this.tile) = (call, tile);
        rows = (tile.Last - tile.First) * call.Group;
        groups = GroupsOf(rows);
        d = call.HeadSize;
        dv = call.ValueHeadSize;
        all = call.Visible.OfAll(tile.Batch, tile.First, tile.Last);
        scores = scratch;
        m = scores + 4 * KeysPerBlock;
        l = m + 4 * groups;
        q = l + 4 * groups;
        o = q + 4L * groups * d;
    }

    /// <inheritdoc/>
    public static StreamTile<TLanes, TCodec, TStored> Begin(AttentionCall<TStored> call, QueryTile tile, float* scratch)
    {
        var stream = new StreamTile<TLanes, TCodec, TStored>(call, tile, scratch);
        stream.LoadQueries();
        new Span<float>(stream.o, 4 * stream.groups * stream.dv).Clear();
        new Span<float>(stream.m, 4 * stream.groups).Fill(float.MinValue);
        new Span<float>(stream.l, 4 * stream.groups).Clear();
        return stream;
    }

    void LoadQueries()
    {
        float* angles = o + 4L * groups * dv;
        for (int row = 0; row < 4 * groups; row++)
        {
            float* target = q + (long)row * d;
            if (row >= rows)
            {
                new Span<float>(target, d).Clear();
                continue;
            }
            (int s, int head) = RowAt(row);
            TStored* source = call.Query + ((long)tile.Batch * call.Sequence + s) * call.QueryStride + (long)head * d;
            TokenRows<TLanes, TCodec, TStored>.Rotated(call, source, tile.Batch, s, call.Scale, target, angles);
        }
    }

    /// <inheritdoc/>
    public void Accumulate(KeyBlock block)
    {
        TStored* keys = call.KeyRow(tile.Batch, tile.KvHead, block.Start), values = call.ValueRow(tile.Batch, tile.KvHead, block.Start);
        bool edged = !all.Holds(block.Start, block.End);
        bool partial = block.Masked || block.HasBits || edged || call.Bias != null;
        // Where there is one way to read, and nothing to hide, nobody asks.
        bool finiteKeys = !TCodec.FiniteIsFaster || TCodec.AllFinite<TLanes>(keys, (long)block.Count * d);
        bool finiteValues = (!TCodec.FiniteIsFaster && !partial) || TCodec.AllFinite<TLanes>(values, (long)block.Count * dv);
        for (int group = 0; group < groups; group++)
        {
            float* gq = q + 4L * group * d, go = o + 4L * group * dv;
            if (finiteKeys) StreamProducts<TLanes, Finite<TCodec, TStored>, TStored>.Score(gq, keys, block.Count, d, scores, fetch: group == 0);
            else StreamProducts<TLanes, TCodec, TStored>.Score(gq, keys, block.Count, d, scores, fetch: group == 0);
            // The vectors of the softmax may reach past the last key.
            int padded = (4 * block.Count + TLanes.Count - 1) / TLanes.Count * TLanes.Count;
            new Span<float>(scores + 4 * block.Count, padded - 4 * block.Count).Fill(float.NegativeInfinity);
            if (call.Softcap > 0) Softcap(block.Count);
            if (call.Slopes != null) AddSlopes(group, block);
            if (partial) Mask(group, block);
            Softmax(padded, m + 4 * group, l + 4 * group, go);
            if (finiteValues) StreamProducts<TLanes, Finite<TCodec, TStored>, TStored>.Mix(scores, values, block.Count, dv, go, fetch: group == 0);
            else if (partial) MixVisible(values, block.Count, go);
            else StreamProducts<TLanes, TCodec, TStored>.Mix(scores, values, block.Count, dv, go, fetch: group == 0);
        }
    }

    void Softcap(int count)
    {
        V128 cap = V128.Create(call.Softcap), twoOverCap = V128.Create(2 / call.Softcap);
        for (int i = 0; i < 4 * count; i += 4) V128.Store(LaneMath<V128>.Softcap(V128.Load(scores + i), cap, twoOverCap), scores + i);
    }

    (int S, int Head) RowAt(int row) => (tile.First + row / call.Group, tile.KvHead * call.Group + row % call.Group);

    // slope · (key - query): small where it matters, and 0 · 0 for the rows that fill up the last group.
    void AddSlopes(int group, KeyBlock block)
    {
        float* slopes = stackalloc float[4], distances = stackalloc float[4];
        for (int r = 0; r < 4; r++)
        {
            bool real = 4 * group + r < rows;
            (int s, int head) = RowAt(4 * group + r);
            slopes[r] = real ? TCodec.Read(call.Slopes[head]) : 0;
            distances[r] = real ? block.Start - (call.QueryStarts[tile.Batch] + (long)s) : 0;
        }
        V128 slope = V128.Load(slopes), distance = V128.Load(distances), one = V128.Create(1);
        for (int i = 0; i < 4 * block.Count; i += 4, distance = V128.Add(distance, one))
            V128.Store(V128.MultiplyAdd(slope, distance, V128.Load(scores + i)), scores + i);
    }

    void Mask(int group, KeyBlock block)
    {
        byte* mask = block.Masked ? call.KeyMask + (long)tile.Batch * call.Total + block.Start : null;
        for (int r = 0; r < 4 && 4 * group + r < rows; r++)
        {
            (int s, int head) = RowAt(4 * group + r);
            KeyRange visible = call.Visible.Of(tile.Batch, s);
            TStored* bias = call.BiasAt(tile.Batch, head, s, block.Start);
            ulong planned = block.Bits(s - tile.First);
            for (int key = 0; key < block.Count; key++)
            {
                int at = block.Start + key;
                float shift = at < visible.From || at >= visible.To || (mask != null && mask[key] == 0) || (planned >> key & 1) == 0 ? float.NegativeInfinity
                    : call.Bias == null ? 0 : TCodec.Read(bias[key]);
                // What a hidden key holds may be NaN: it is replaced, not added to.
                scores[4 * key + r] = float.IsNegativeInfinity(shift) ? shift : scores[4 * key + r] + shift;
            }
        }
    }

    // Scores become exp(score - m); m, l and o move to the raised maxima.
    void Softmax(int count, float* gm, float* gl, float* go)
    {
        TLanes top = TLanes.Repeat(Vector128.Load(gm));
        for (int i = 0; i < count; i += TLanes.Count) top = TLanes.Max(top, TLanes.Load(scores + i));
        Vector128<float> raised = TLanes.FoldMax(top), before = Vector128.Load(gm);
        if (!Vector128.EqualsAll(raised, before))
        {
            float* factors = stackalloc float[4];
            V128.Store(LaneMath<V128>.Exp(new V128(before - raised)), factors);
            for (int r = 0; r < 4; r++) LaneMath<TLanes>.Scale(go + (long)r * dv, dv, factors[r], go + (long)r * dv);
            (Vector128.Load(gl) * Vector128.Load(factors)).Store(gl);
            raised.Store(gm);
        }
        top = TLanes.Repeat(raised);
        TLanes sum = default;
        for (int i = 0; i < count; i += TLanes.Count)
        {
            TLanes x = LaneMath<TLanes>.Exp(TLanes.Subtract(TLanes.Load(scores + i), top));
            TLanes.Store(x, scores + i);
            sum = TLanes.Add(sum, x);
        }
        (Vector128.Load(gl) + TLanes.FoldAdd(sum)).Store(gl);
    }

    // 0 · ∞ is NaN: where values are not finite, a hidden key must not even be multiplied.
    void MixVisible(TStored* values, int count, float* go)
    {
        for (int key = 0; key < count; key++)
            for (int r = 0; r < 4; r++)
            {
                float weight = scores[4 * key + r];
                if (weight == 0) continue;
                for (int i = 0; i < dv; i++) go[(long)r * dv + i] += weight * TCodec.Read(values[(long)key * dv + i]);
            }
    }

    /// <inheritdoc/>
    public void Finish(float* partial)
    {
        int stride = PartialRows<TLanes, TCodec, TStored>.Stride(call);
        for (int row = 0; row < rows; row++)
        {
            float* rowO = o + (long)row * dv;
            if (partial == null)
            {
                PartialRows<TLanes, TCodec, TStored>.WriteOutput(call, tile, row, m[row], l[row], rowO);
                continue;
            }
            float* target = partial + (long)row * stride;
            (target[0], target[1]) = (m[row], l[row]);
            new ReadOnlySpan<float>(rowO, dv).CopyTo(new Span<float>(target + 2, dv));
        }
    }
}
