namespace OnnxEff.Ir.Shapes.Rules;

/// <summary>Normalisations and quantisation of standard ONNX.</summary>
static class NormalizationRules
{
    public static IEnumerable<(string, ShapeRule)> All =>
    [
        ("LayerNormalization", LayerNormalization), ("SimplifiedLayerNormalization", LayerNormalization),
        ("RMSNormalization", c => c.Set(0, c.Element(1) == ElementType.Undefined ? c.Element(0) : c.Element(1), c.Shape(0))),
        ("BatchNormalization", ElementwiseRules.SameType),
        ("QuantizeLinear", Quantize), ("DequantizeLinear", Dequantize), ("DynamicQuantizeLinear", DynamicQuantize),
    ];

    /// <summary>Y has the input's shape; mean and inverse deviation have 1 in the normalised axes.</summary>
    public static void LayerNormalization(ShapeContext c)
    {
        c.Set(0, c.Element(1) == ElementType.Undefined ? c.Element(0) : c.Element(1), c.Shape(0));
        var statistics = c.Shape(0) is { } shape && c.Axis(c.Node.Int("axis", -1), shape.Rank) is { } axis
            ? new TensorShape(shape.Select((d, i) => i < axis ? d : Dim.One)) : null;
        var type = c.Node.Int("stash_type", 1) == (long)ElementType.Float32 ? ElementType.Float32 : c.Element(0);
        for (var i = 1; i < c.Node.Outputs.Count; i++)
            c.Set(i, type, statistics);
    }

    static void Quantize(ShapeContext c) => c.Set(0, c.Has(2) ? c.Element(2)
        : c.Node.Int("output_dtype") is var type and not 0 ? (ElementType)type : ElementType.UInt8, c.Shape(0));

    public static void Dequantize(ShapeContext c) => c.Set(0,
        c.Node.Int("output_dtype") is var type and not 0 ? (ElementType)type : c.Element(1), c.Shape(0));

    static void DynamicQuantize(ShapeContext c)
    {
        c.Set(0, ElementType.UInt8, c.Shape(0));
        c.Set(1, ElementType.Float32, TensorShape.Scalar);
        c.Set(2, ElementType.UInt8, TensorShape.Scalar);
    }
}
