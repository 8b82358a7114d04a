namespace OnnxEff.Ir.Shapes.Rules;

/// <summary>Attention, rotary embedding and linear attention of standard ONNX.</summary>
static class AttentionRules
{
    public static IEnumerable<(string, ShapeRule)> All =>
        [("Attention", Attention), ("RotaryEmbedding", ElementwiseRules.SameType), ("LinearAttention", LinearAttention)];

    public static IEnumerable<(string, ShapeRule)> Preview => [("FlexAttention", FlexAttention)];

    /// <summary>
    /// q [B, Hq, S, D] or [B, S, Hq*D] · k, v with T keys and value size Dv · past [B, Hkv, P, D]. Outputs: y like q with
    /// Dv, present key and value [B, Hkv, P+T, ...], scores [B, Hq, S, P+T].
    /// </summary>
    static void Attention(ShapeContext c)
    {
        var query = Heads(c.Shape(0), c.Node.Int("q_num_heads"));
        var key = Heads(c.Shape(1), c.Node.Int("kv_num_heads"));
        var value = Heads(c.Shape(2), c.Node.Int("kv_num_heads"));
        if (query is not { } q || key is not { } k || value is not { } v)
        {
            c.Set(0, c.Element(0), c.Shape(0) is { } shape ? c.FreshShape(shape.Rank) : null);
            for (var i = 1; i < c.Node.Outputs.Count; i++)
                c.Set(i, c.Element(i == 3 ? 0 : i), c.FreshShape(4, i));
            return;
        }
        var batch = c.Equate(c.Equate(q.Batch, k.Batch, "Batch sizes differ"), v.Batch, "Batch sizes differ");
        c.Equate(q.Size, k.Size, "Head sizes of query and key differ");
        c.Equate(k.Heads, v.Heads, "Head counts of key and value differ");
        var length = c.Equate(k.Length, v.Length, "Lengths of key and value differ");
        if (c.Shape(4) is { Rank: 4 } pastKey && c.Shape(5) is { Rank: 4 } pastValue)
        {
            c.Equate(pastKey[0], batch, "Batch sizes differ");
            length += c.Equate(pastKey[2], pastValue[2], "Lengths of past key and value differ");
        }
        else if (c.Has(4))
            length = c.Fresh(2, 1);
        c.Set(0, c.Element(0), c.Shape(0)!.Rank == 3
            ? new TensorShape(batch, q.Length, q.Heads * v.Size) : new TensorShape(batch, q.Heads, q.Length, v.Size));
        c.Set(1, c.Element(1), new TensorShape(batch, k.Heads, length, k.Size));
        c.Set(2, c.Element(2), new TensorShape(batch, v.Heads, length, v.Size));
        c.Set(3, c.Element(0), new TensorShape(batch, q.Heads, q.Length, length));
    }

    /// <summary>Splits [B, H, L, D], or [B, L, H*D] with a known number of heads.</summary>
    static (Dim Batch, Dim Heads, Dim Length, Dim Size)? Heads(TensorShape? shape, long heads) => shape switch
    {
        [var batch, var count, var length, var size] => (batch, count, length, size),
        [var batch, var length, var hidden] when heads > 0 => (batch, Dim.Of(heads), length, Dim.FloorDivide(hidden, Dim.Of(heads))),
        _ => ((Dim, Dim, Dim, Dim)?)null,
    };

    /// <summary>q, k, v [B, H, L, D]; its subgraphs change scores or probabilities [B, Hq, S, T].</summary>
    static void FlexAttention(ShapeContext c)
    {
        if (c.Shape(0) is not { Rank: 4 } q || c.Shape(1) is not { Rank: 4 } k || c.Shape(2) is not { Rank: 4 } v)
        {
            c.Set(0, c.Element(0), c.FreshShape(4));
            return;
        }
        var batch = c.Equate(c.Equate(q[0], k[0], "Batch sizes differ"), v[0], "Batch sizes differ");
        c.Equate(q[3], k[3], "Head sizes of query and key differ");
        var length = c.Equate(k[2], v[2], "Lengths of key and value differ");
        foreach (var body in c.Node.Subgraphs.Where(g => g.Inputs.Count == 1))
        {
            c.Run.Bind(body.Inputs[0], new TensorType(body.Inputs[0].Type?.Element ?? c.Element(0), new TensorShape(batch, q[1], q[2], length)), null);
            c.Run.Infer(body);
        }
        c.Set(0, c.Element(0), new TensorShape(batch, q[1], q[2], v[3]));
    }

    /// <summary>q, k, v [B, S, H*D] with a state [B, Hkv, Dk, Dv]; y [B, S, Hq*Dv].</summary>
    public static void LinearAttention(ShapeContext c)
    {
        var (q, k, v) = (Heads(c.Shape(0), c.Node.Int("q_num_heads")), Heads(c.Shape(1), c.Node.Int("kv_num_heads")),
            Heads(c.Shape(2), c.Node.Int("kv_num_heads")));
        if (q is null || k is null || v is null)
            return;
        c.Set(0, c.Element(0), c.Shape(0)!.Rank == 3 ? new TensorShape(q.Value.Batch, q.Value.Length, Dim.Max(q.Value.Heads, v.Value.Heads) * v.Value.Size)
            : new TensorShape(q.Value.Batch, Dim.Max(q.Value.Heads, v.Value.Heads), q.Value.Length, v.Value.Size));
        c.Set(1, c.Has(3) ? c.Element(3) : c.Element(0), new TensorShape(v.Value.Batch, v.Value.Heads, k.Value.Size, v.Value.Size));
    }
}
