namespace OnnxEff.CustomOps.Cpu;

/// <summary>
/// Many queries per key head (prefill): scores are computed transposed, [keys][queries], so that softmax needs no sum
/// across lanes and keys and values are read where they lie.
/// </summary>
readonly unsafe struct PanelTile<TLanes, TCodec, TStored> : IAttentionTile<PanelTile<TLanes, TCodec, TStored>, TStored>
    where TLanes : unmanaged, ILanes<TLanes>
    where TCodec : ICodec<TStored>
    where TStored : unmanaged
{
    // Rows of queries and of the output lie a token apart, too far for a processor to guess the next one.
    const int RowsAhead = 8;
    const int Columns = 8; // Of values that lie side by side: what a product takes at once.

    readonly AttentionCall<TStored> call;
    readonly QueryTile tile;
    readonly int rows, panels, d, dv, paddedDv;
    readonly bool paired; // Products are those of BFloatPanel: q is packed, keys are read as stored, packed values are pairs of keys.
    readonly int* queries, heads; // Of each row of the panels; those behind the last row are its copies.
    // Per panel: q [D][Width], o [Dv rounded up to 4][Width], m and l [Width]. Shared: scores [keys + 3][Width], three rows
    // [Width], keys [keys][D] and values [keys][Dv] where they are not stored as floats, values [Dv / 8][keys][8].
    readonly float* q, o, m, l, scores, first, second, raised, keyBuffer, valueBuffer, packedValues;

    static int Width => Panel<TLanes>.Width;

    /// <inheritdoc/>
    public static int KeysPerBlock => 128; // 128 × 48 scores are 24 KiB: they stay in L1 between the two products.

    /// <inheritdoc/>
    public static nuint ScratchFloats(AttentionCall<TStored> call, int queries)
    {
        int panels = PanelsOf(queries * call.Group);
        nuint both = (nuint)call.HeadSize + (nuint)call.ValueHeadSize, perPanel = (nuint)Width * (both + 3 + 2 + 2);
        nuint buffers = (nuint)KeysPerBlock * (both + (nuint)call.ValueHeadSize + Columns - 1);
        return (nuint)panels * perPanel + ScoreFloats(call) + 3 * (nuint)Width + buffers;
    }

    // Before the first and after the last block the scores' place holds the rows of a vector, and a row's angles.
    static nuint ScoreFloats(AttentionCall<TStored> call) =>
        Math.Max((nuint)(KeysPerBlock + 3) * (nuint)Width, ((nuint)TLanes.Count + 1) * ((nuint)Math.Max(call.HeadSize, call.ValueHeadSize) + 3));

    static int PanelsOf(int rows) => (rows + Width - 1) / Width;

    PanelTile(AttentionCall<TStored> call, QueryTile tile, float* scratch)
    {
        (this.call, this.tile) = (call, tile);
        rows = (tile.Last - tile.First) * call.Group;
        panels = PanelsOf(rows);
        d = call.HeadSize;
        dv = call.ValueHeadSize;
        paddedDv = (dv + 3) / 4 * 4;
        paired = BFloatPanel.Takes<TLanes, TStored>(d);
        q = scratch;
        o = q + (long)panels * d * Width;
        m = o + (long)panels * paddedDv * Width;
        l = m + (long)panels * Width;
        scores = l + (long)panels * Width;
        first = scores + ScoreFloats(call);
        second = first + Width;
        raised = second + Width;
        keyBuffer = raised + Width;
        valueBuffer = keyBuffer + (long)KeysPerBlock * d;
        packedValues = valueBuffer + (long)KeysPerBlock * dv;
        queries = (int*)(packedValues + (long)KeysPerBlock * ((dv + Columns - 1) / Columns * Columns));
        heads = queries + panels * Width;
    }

    /// <inheritdoc/>
    public static PanelTile<TLanes, TCodec, TStored> Begin(AttentionCall<TStored> call, QueryTile tile, float* scratch)
    {
        var panel = new PanelTile<TLanes, TCodec, TStored>(call, tile, scratch);
        panel.ListRows();
        panel.LoadQueries();
        new Span<float>(panel.o, panel.panels * panel.paddedDv * Width).Clear();
        new Span<float>(panel.m, panel.panels * Width).Fill(float.MinValue);
        new Span<float>(panel.l, panel.panels * Width).Clear();
        return panel;
    }

    void ListRows()
    {
        int row = 0;
        for (int s = tile.First; s < tile.Last; s++)
            for (int head = tile.KvHead * call.Group, end = head + call.Group; head < end; head++, row++) (queries[row], heads[row]) = (s, head);
        for (; row < panels * Width; row++) (queries[row], heads[row]) = (queries[rows - 1], heads[rows - 1]);
    }

    // As many rows as a vector has lanes are rotated into scratch, then turned into lanes of the panel.
    void LoadQueries()
    {
        float* some = scores, angles = scores + (long)TLanes.Count * d;
        for (int row = 0; row < panels * Width; row += TLanes.Count)
        {
            for (int i = 0; i < TLanes.Count; i++) LoadQuery(row + i, some + (long)i * d, angles);
            Transpose<TLanes>.RowsToLanes(some, d, q + (long)(row / Width) * d * Width + row % Width, Width);
        }
        for (int panel = 0; paired && panel < panels; panel++) BFloatPanel.Pack(q + (long)panel * d * Width, d / 2);
    }

    void LoadQuery(int row, float* target, float* angles)
    {
        if (row + RowsAhead < rows) Prefetch.Bytes(QueryOf(row + RowsAhead), d * sizeof(TStored));
        TokenRows<TLanes, TCodec, TStored>.Rotated(call, QueryOf(row), tile.Batch, queries[row], paired ? 1 : call.Scale, target, angles);
    }

    TStored* QueryOf(int row) =>
        call.Query + ((long)tile.Batch * call.Sequence + queries[row]) * call.QueryStride + (long)heads[row] * d;

    /// <inheritdoc/>
    public void Accumulate(KeyBlock block)
    {
        long elements = (long)block.Count * dv;
        TStored* keys = call.KeyRow(tile.Batch, tile.KvHead, block.Start), values = call.ValueRow(tile.Batch, tile.KvHead, block.Start);
        float* floatKeys = paired ? null : TCodec.Expand<TLanes>(keys, (long)block.Count * d, keyBuffer);
        KeyRange all = call.Visible.OfAll(tile.Batch, tile.First, tile.Last);
        bool partial = block.Masked || block.HasBits || call.Bias != null || !all.Holds(block.Start, block.End);
        bool finite = !partial || TCodec.AllFinite<TLanes>(values, elements);
        float* floatValues = paired && finite ? null : TCodec.Expand<TLanes>(values, elements, valueBuffer);
        if (finite && paired) BFloatPanel.PairRows((ushort*)values, block.Count, dv, (uint*)packedValues);
        else if (finite) Panel<TLanes>.ColumnsOfEight(floatValues, block.Count, dv, packedValues);
        for (int panel = 0; panel < panels; panel++)
        {
            int firstQuery = queries[panel * Width], lastQuery = queries[panel * Width + Width - 1];
            KeyRange any = call.Visible.OfAny(tile.Batch, firstQuery, lastQuery + 1);
            int start = Math.Max(block.Start, any.From);
            if (paired) start -= (start - block.Start) & 1; // Pairs are not divided: what nobody sees gets no weight.
            int count = Math.Min(block.End, any.To) - start, skipped = start - block.Start;
            if (count <= 0) continue;
            float* po = o + (long)panel * paddedDv * Width;
            bool edged = !call.Visible.OfAll(tile.Batch, firstQuery, lastQuery + 1).Holds(start, start + count);
            Weigh(panel, block.Slice(start, count), edged, paired ? keys + (long)skipped * d : floatKeys + (long)skipped * d);
            if (!finite) MixVisible(floatValues + (long)skipped * dv, count, po);
            else if (paired) MixPairs(block.Count, skipped, count, po);
            else Mix(packedValues + (long)Columns * skipped, block.Count, count, po);
        }
    }

    // Turns the scores of a panel into weights, and its state to the raised maxima.
    void Weigh(int panel, KeyBlock block, bool edged, void* keys)
    {
        float* pm = m + (long)panel * Width, pl = l + (long)panel * Width;
        float* pq = q + (long)panel * d * Width;
        if (paired) BFloatPanel.Score(keys, block.Count, d, pq, call.Scale, scores);
        else Score(pq, (float*)keys, block.Count);
        if (call.Softcap > 0) PanelSoftmax<TLanes>.Softcap(scores, block.Count, call.Softcap);
        if (call.Slopes != null) AddSlopes(panel, block);
        if (call.Bias != null) AddBias(panel, block);
        if (edged || block.Masked) Hide(panel, block);
        if (block.HasBits) HideByPlan(panel, block);
        PanelSoftmax<TLanes>.Raise(scores, block.Count, pm, raised);
        PanelSoftmax<TLanes>.Rescale(pm, raised, pl, o + (long)panel * paddedDv * Width, paddedDv);
        PanelSoftmax<TLanes>.Exponentiate(scores, block.Count, pm, pl);
    }

    void Score(float* pq, float* keys, int count)
    {
        float* last = keys + (long)(count - 1) * d;
        int k = 0;
        for (; Panel<TLanes>.TakesEight && k + 8 <= count; k += 8)
        {
            float* eight = keys + (long)k * d;
            Panel<TLanes>.MultiplyEight(eight, eight + 4L * d, d, 1, pq, d, scores + (long)k * Width, add: false);
        }
        for (; k < count; k += 4)
        {
            float* k0 = keys + (long)k * d;
            float* k1 = k + 1 < count ? k0 + d : last, k2 = k + 2 < count ? k1 + d : last, k3 = k + 3 < count ? k2 + d : last;
            Panel<TLanes>.Multiply(k0, k1, k2, k3, 1, pq, d, scores + (long)k * Width, add: false);
        }
    }

    void Mix(float* columns, int stride, int count, float* po)
    {
        int i = 0;
        for (; Panel<TLanes>.TakesEight && i + 8 <= dv; i += 8)
        {
            float* eight = columns + (long)i * stride;
            Panel<TLanes>.MultiplyEight(eight, eight + 4, 1, Columns, scores, count, po + (long)i * Width, add: true);
        }
        for (; i < dv; i += 4)
        {
            float* v = columns + (long)(i - i % Columns) * stride + i % Columns;
            Panel<TLanes>.Multiply(v, v + 1, v + 2, v + 3, Columns, scores, count, po + (long)i * Width, add: true);
        }
    }

    void MixPairs(int keys, int skipped, int count, float* po)
    {
        int pairs = (count + 1) / 2;
        if (count % 2 != 0) new Span<float>(scores + (long)count * Width, Width).Clear();
        BFloatPanel.Pack(scores, pairs);
        BFloatPanel.Mix((uint*)packedValues + 4L * skipped, (keys + 1) / 2, pairs, dv, scores, po);
    }

    // 0 · ∞ is NaN: where values are not finite, a hidden key must not even be multiplied.
    void MixVisible(float* values, int count, float* po)
    {
        for (int key = 0; key < count; key++)
            for (int lane = 0; lane < Width; lane++)
            {
                float weight = scores[key * Width + lane];
                if (weight == 0) continue;
                for (int i = 0; i < dv; i++) po[i * Width + lane] += weight * values[(long)key * dv + i];
            }
    }

    void HideByPlan(int panel, KeyBlock block)
    {
        int* low = (int*)first, high = (int*)second;
        for (int lane = 0; lane < Width; lane++)
        {
            ulong word = block.Bits(queries[panel * Width + lane] - tile.First);
            (low[lane], high[lane]) = ((int)word, (int)(word >> 32));
        }
        PanelSoftmax<TLanes>.HideByBits(scores, block.Count, low, high);
    }

    // Lane limits relative to the block's first key; clamped, so that they are exact as floats.
    void Hide(int panel, KeyBlock block)
    {
        for (int lane = 0; lane < Width; lane++)
        {
            KeyRange visible = call.Visible.Of(tile.Batch, queries[panel * Width + lane]);
            first[lane] = Math.Clamp(visible.From - block.Start, 0, KeysPerBlock);
            second[lane] = Math.Clamp(visible.To - block.Start, 0, KeysPerBlock);
        }
        byte* mask = block.Masked ? call.KeyMask + (long)tile.Batch * call.Total + block.Start : null;
        PanelSoftmax<TLanes>.Hide(scores, block.Count, mask, first, second);
    }

    void AddSlopes(int panel, KeyBlock block)
    {
        for (int lane = 0; lane < Width; lane++)
        {
            int row = panel * Width + lane;
            first[lane] = TCodec.Read(call.Slopes[heads[row]]);
            second[lane] = block.Start - (call.QueryStarts[tile.Batch] + (long)queries[row]);
        }
        PanelSoftmax<TLanes>.AddSlopes(scores, block.Count, first, second);
    }

    void AddBias(int panel, KeyBlock block)
    {
        for (int lane = 0; lane < Width && panel * Width + lane < rows; lane++)
        {
            int row = panel * Width + lane;
            TStored* bias = call.BiasAt(tile.Batch, heads[row], queries[row], block.Start);
            float* at = scores + lane;
            for (int key = 0; key < block.Count; key++, at += Width)
            {
                // What a hidden key holds may be NaN: it is replaced, not added to.
                float shift = TCodec.Read(bias[key]);
                *at = float.IsNegativeInfinity(shift) ? shift : *at + shift;
            }
        }
    }

    /// <inheritdoc/>
    public void Finish(float* partial)
    {
        int stride = PartialRows<TLanes, TCodec, TStored>.Stride(call);
        for (int row = 0; row < rows; row += TLanes.Count)
        {
            int some = Math.Min(TLanes.Count, rows - row);
            for (int i = 0; i < TLanes.Count; i++)
                raised[i] = partial != null ? 1 : PartialRows<TLanes, TCodec, TStored>.Weight(call, heads[row + i], m[row + i], l[row + i]);
            float* panel = o + (long)(row / Width) * paddedDv * Width + row % Width, at = scores;
            Transpose<TLanes>.LanesToRows(panel, Width, paddedDv, TLanes.Load(raised), at);
            for (int i = row; i < row + some; i++, at += paddedDv)
            {
                if (partial == null)
                {
                    if (i + RowsAhead < rows) Prefetch.Bytes(OutputOf(i + RowsAhead), dv * sizeof(TStored));
                    TCodec.Write<TLanes>(at, dv, OutputOf(i));
                }
                else
                {
                    float* target = partial + (long)i * stride;
                    (target[0], target[1]) = (m[i], l[i]);
                    new ReadOnlySpan<float>(at, dv).CopyTo(new Span<float>(target + 2, dv));
                }
            }
        }
    }

    TStored* OutputOf(int row) => PartialRows<TLanes, TCodec, TStored>.OutputOf(call, tile.Batch, queries[row], heads[row]);
}
