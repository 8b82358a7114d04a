namespace OnnxEff.Ir.Shapes.Rules;

/// <summary>Attention operators of <c>com.microsoft</c>.</summary>
static class ContribAttentionRules
{
    public static IEnumerable<(string, ShapeRule)> All =>
    [
        ("GroupQueryAttention", GroupQuery), ("SparseAttention", GroupQuery), ("MultiHeadAttention", MultiHead),
        ("DecoderMaskedMultiHeadAttention", MultiHead), ("Attention", Attention), ("PagedAttention", Paged),
    ];

    /// <summary>
    /// q [B, S, Hq*D], or packed [B, S, (Hq + 2*Hkv)*D] · past [B, Hkv, P, D]. Present has max(P, total) positions (P with a
    /// sliding cache): the operator fills a shared buffer, or makes a longer one.
    /// </summary>
    static void GroupQuery(ShapeContext c)
    {
        var (heads, kvHeads) = (c.Node.Int("num_heads"), c.Node.Int("kv_num_heads"));
        if (c.Shape(0) is not [var batch, var length, var hidden] || heads <= 0 || kvHeads <= 0)
        {
            c.Set(0, c.Element(0), c.FreshShape(3));
            return;
        }
        var size = Dim.FloorDivide(hidden, Dim.Of(c.Has(1) ? heads : heads + (2 * kvHeads)));
        c.Set(0, c.Element(0), new TensorShape(batch, length, Dim.Of(heads) * size));
        var total = c.Value(6) is { Count: 1 } given ? given[0].Dim : null;
        for (var i = 1; i <= 2; i++)
        {
            var past = c.Shape(2 + i);
            var capacity = past is { Rank: 4 } ? past[2] : null;
            if (past is { Rank: 4 })
            {
                c.Equate(past[0], batch, "Batch sizes differ");
                c.Equate(past[1], Dim.Of(kvHeads), "The past has another number of heads");
                if (c.Element(2 + i) == c.Element(0))
                    c.Equate(past[3], size, "Head sizes differ");
            }
            var present = c.Node.Int("sliding_window_cache") != 0 ? capacity
                : total is null || (c.Has(2 + i) && capacity is null) ? null : capacity is null ? total : Dim.Max(capacity, total);
            var last = past is { Rank: 4 } && c.Element(2 + i) != c.Element(0) ? past[3] : size;
            c.Set(i, c.Has(2 + i) ? c.Element(2 + i) : c.Element(0), new TensorShape(batch, Dim.Of(kvHeads), present ?? c.Fresh(2, i), last));
        }
        c.Set(3, c.Element(0), new TensorShape(batch, Dim.Of(heads), length, total ?? c.Fresh(3, 3)));
    }

    /// <summary>q [B, S, H*D] or packed [B, S, H, 3, D] · k [B, T, H*D], [B, H, T, D] or packed [B, T, H, 2, D].</summary>
    static void MultiHead(ShapeContext c)
    {
        var heads = Dim.Of(Math.Max(1, c.Node.Int("num_heads", 1)));
        if (c.Shape(0) is not { Rank: 3 or 5 } query)
        {
            c.Set(0, c.Element(0), c.FreshShape(3));
            return;
        }
        var (batch, length) = (query[0], query[1]);
        var size = query.Rank == 5 ? query[4] : Dim.FloorDivide(query[2], heads);
        var (keys, valueSize) = (c.Shape(1), c.Shape(2)) switch
        {
            ({ Rank: 5 } packed, _) => (packed[1], packed[4]),
            ({ Rank: 4 } key, { Rank: 4 } value) => (key[2], value[3]),
            ({ Rank: 3 } key, { Rank: 3 } value) => (key[1], Dim.FloorDivide(value[2], heads)),
            _ => (c.Has(1) ? null : length, size),
        };
        c.Set(0, c.Element(0), new TensorShape(batch, length, heads * valueSize));
        // A past length as an input means that past and present are one buffer.
        var shared = c.Has(8) || c.Node.Int("past_present_share_buffer") != 0;
        for (var i = 1; i <= 2; i++)
        {
            var past = c.Shape(5 + i);
            var total = keys is null || shared ? (shared ? past?[2] : null)
                : !c.Has(5 + i) ? keys : past is { Rank: 4 } ? past[2] + keys : null;
            c.Set(i, c.Element(0), new TensorShape(batch, heads, total ?? c.Fresh(2, i), i == 1 ? size : valueSize));
        }
        c.Set(3, c.Element(0), new TensorShape(batch, heads, length, c.Fresh(3, 3)));
    }

    /// <summary>x [B, S, In] · weight [In, Q+K+V] · past [2, B, H, P, D].</summary>
    static void Attention(ShapeContext c)
    {
        var heads = Dim.Of(Math.Max(1, c.Node.Int("num_heads", 1)));
        if (c.Shape(0) is not [var batch, var length, var width] || c.Shape(1) is not [var inner, var packed])
        {
            c.Set(0, c.Element(0), c.FreshShape(3));
            return;
        }
        c.Equate(width, inner, "The inner dimensions of a product differ");
        var hidden = c.Node.Ints("qkv_hidden_sizes") is [_, _, var value] ? Dim.Of(value) : Dim.FloorDivide(packed, Dim.Of(3));
        c.Set(0, c.Element(0), new TensorShape(batch, length, hidden));
        var past = c.Shape(4);
        var shared = c.Node.Int("past_present_share_buffer") != 0;
        var total = past is { Rank: 5 } ? (shared ? past[3] : past[3] + length) : c.Has(4) ? null : length;
        c.Set(1, c.Element(0), new TensorShape(Dim.Of(2), batch, heads, total ?? c.Fresh(3, 1), Dim.FloorDivide(hidden, heads)));
    }

    /// <summary>q [tokens, Hq*D] or packed; the caches are returned as they are.</summary>
    static void Paged(ShapeContext c)
    {
        var (heads, kvHeads) = (Math.Max(1, c.Node.Int("num_heads", 1)), Math.Max(1, c.Node.Int("kv_num_heads", 1)));
        c.Set(0, c.Element(0), c.Shape(0) is [var tokens, var hidden] ? new TensorShape(tokens, c.Has(1) ? hidden
            : Dim.FloorDivide(hidden, Dim.Of(heads + (2 * kvHeads))) * Dim.Of(heads)) : c.FreshShape(2));
        c.Set(1, c.Element(3), c.Shape(3));
        c.Set(2, c.Element(4), c.Shape(4));
    }
}
