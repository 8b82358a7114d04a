namespace OnnxEff.CustomOps.Native;

/// <summary>The output's shape of every operator that multiplies with a stored weight.</summary>
static class ProductShapes
{
    /// <summary>output as input with N columns.</summary>
    public static void Infer(ShapeInferContext context)
    {
        if (context.Input(0) is not (var kind, [.. var rows, _])) return;
        if (context.Int("N", 0) is > 0 and var n) context.Output(0, kind, [.. rows, n]);
    }
}
