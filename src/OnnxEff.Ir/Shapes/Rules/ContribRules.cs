namespace OnnxEff.Ir.Shapes.Rules;

/// <summary>Operators of <c>com.microsoft</c> other than attention.</summary>
static class ContribRules
{
    public static IEnumerable<(string, ShapeRule)> All =>
    [
        .. ElementwiseRules.Named(ElementwiseRules.SameType, "Gelu", "FastGelu", "BiasGelu", "QuickGelu", "RotaryEmbedding", "MRotaryEmbedding",
            "MoE", "QMoE", "BiasSoftmax", "BiasDropout", "GemmaRotaryEmbedding", "Trilu", "GroupNorm", "BiasAdd", "BiasSplitGelu"),
        ("SkipLayerNormalization", SkipNormalization), ("SkipSimplifiedLayerNormalization", SkipNormalization),
        ("SimplifiedLayerNormalization", NormalizationRules.LayerNormalization),
        ("EmbedLayerNormalization", Embed),
        ("MatMulNBits", MatMulBlocks), ("MatMulBnb4", MatMulBlocks), ("MatMulFpQ4", c => c.Set(0, c.Element(0), null)),
        ("GatherBlockQuantized", GatherBlocks),
        ("FusedMatMul", FusedMatMul), ("TransposeMatMul", FusedMatMul), ("FusedGemm", FusedMatMul), ("GemmFloat8", FusedMatMul),
        ("DynamicQuantizeMatMul", c => c.Set(0, c.Element(0), ProductRules.MatMul(c, c.Shape(0), c.Shape(1)))),
        ("MatMulIntegerToFloat", c => c.Set(0, c.Element(2), ProductRules.MatMul(c, c.Shape(0), c.Shape(1)))),
        ("DequantizeLinear", NormalizationRules.Dequantize), ("QuantizeLinear", c => c.Set(0, c.Has(2) ? c.Element(2) : ElementType.UInt8, c.Shape(0))),
        ("DequantizeBFP", c => c.Set(0, ElementType.Float32, null)),
        ("LinearAttention", AttentionRules.LinearAttention),
    ];

    /// <summary>y and the sum (output 3) like x; mean and deviation have 1 in the last axis.</summary>
    static void SkipNormalization(ShapeContext c)
    {
        var shape = c.Shape(0);
        var statistics = shape is { Rank: > 0 } ? new TensorShape([.. shape[..^1], Dim.One]) : null;
        c.Set(0, c.Element(0), shape);
        c.Set(1, ElementType.Float32, statistics);
        c.Set(2, ElementType.Float32, statistics);
        c.Set(3, c.Element(0), shape);
    }

    /// <summary>ids [B, S] · table [V, D]: y [B, S, D], mask index [B], sum [B, S, D].</summary>
    static void Embed(ShapeContext c)
    {
        var shape = c.Shape(0) is [var batch, var length] && c.Shape(2) is [_, var hidden] ? new TensorShape(batch, length, hidden) : c.FreshShape(3);
        c.Set(0, c.Element(2), shape);
        c.Set(1, ElementType.Int32, new TensorShape(shape[0]));
        c.Set(2, c.Element(2), shape);
    }

    /// <summary>x [..., K] · N rows of packed weights: [..., N].</summary>
    static void MatMulBlocks(ShapeContext c)
    {
        if (c.Shape(0) is not { Rank: > 0 } shape)
        {
            c.Set(0, c.Element(0), null);
            return;
        }
        c.Equate(shape[-1], Dim.Of(c.Node.Int("K")), "The inner dimensions of a product differ");
        c.Set(0, c.Element(0), new TensorShape([.. shape[..^1], Dim.Of(c.Node.Int("N"))]));
    }

    /// <summary>A Gather whose rows are packed: with 8-bit storage the last axis holds 8 / bits elements per byte.</summary>
    static void GatherBlocks(ShapeContext c)
    {
        if (c.Shape(0) is not { Rank: > 0 } data || c.Shape(1) is not { } indices || c.Axis(c.Node.Int("gather_axis"), data.Rank) is not { } axis)
        {
            c.Set(0, c.Element(2), null);
            return;
        }
        var packed = c.Element(0) == ElementType.UInt8 ? Math.Max(1, 8 / Math.Max(1, c.Node.Int("bits", 4))) : 1;
        List<Dim> dims = [.. data];
        dims[^1] *= Dim.Of(packed);
        c.Set(0, c.Element(2), new TensorShape([.. dims[..axis], .. indices, .. dims[(axis + 1)..]]));
    }

    /// <summary>A MatMul that may read either operand transposed, also its batch axes (the first axis moves before the last).</summary>
    static void FusedMatMul(ShapeContext c) => c.Set(0, c.Element(0), ProductRules.MatMul(c,
        Turned(c.Shape(0), c.Node.Int("transA") != 0, c.Node.Int("transBatchA") != 0),
        Turned(c.Shape(1), c.Node.Int("transB") != 0, c.Node.Int("transBatchB") != 0)));

    static TensorShape? Turned(TensorShape? shape, bool matrix, bool batch)
    {
        if (shape is not { Rank: > 1 })
            return shape;
        List<Dim> dims = [.. shape];
        if (batch)
        {
            dims.RemoveAt(0);
            dims.Insert(dims.Count - 1, shape[0]);
        }
        if (matrix)
            (dims[^1], dims[^2]) = (dims[^2], dims[^1]);
        return new TensorShape(dims);
    }
}
