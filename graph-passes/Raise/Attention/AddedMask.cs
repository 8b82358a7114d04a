using OnnxEff.Ir;

namespace OnnxEff.GraphPasses.Raise.Attention;

/// <summary>Masks of operators as numbers to add to the logits.</summary>
static class AddedMask
{
    /// <summary>
    /// A mask as numbers to add to [B, H, S, T]: −∞ where false, and for keys behind the mask's end. ONNX Runtime computes no
    /// bfloat16 on CPU, so what has to be computed is so in float32.
    /// </summary>
    public static Value Of(Value mask, ElementType element, Dim total, long opset, GraphBuilder build)
    {
        var shape = mask.Type!.Shape!;
        if (4 - shape.Rank is > 0 and var missing)
        {
            shape = new TensorShape([.. Enumerable.Repeat(Dim.One, missing), .. shape]);
            mask = build.Unsqueeze(mask, opset, [.. Enumerable.Range(0, missing).Select(i => (long)i)]);
        }
        var computed = element == ElementType.BFloat16 ? ElementType.Float32 : element;
        var hidden = build.Constant(Constants.Scalar(double.NegativeInfinity, computed));
        if (mask.Type!.Element == ElementType.Bool)
            mask = build.Op("Where", [mask, build.Constant(Constants.Scalar(0, computed)), hidden], new TensorType(computed, shape));
        if (total.Constant - shape[3].Constant is > 0 and var behind)
        {
            shape = new TensorShape(shape[0], shape[1], shape[2], total);
            mask = build.Op("Pad", [build.Cast(mask, computed), build.Constant(Tensor.Vector(0, 0, 0, 0, 0, 0, 0, behind)), hidden], new TensorType(computed, shape));
        }
        return build.Cast(mask, element);
    }
}
