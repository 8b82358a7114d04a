using OnnxEff.Ir;

namespace OnnxEff.Runtime;

/// <summary>
/// ONNX Runtime numbers element types as ONNX does up to 23; above, its enumeration has another order.
/// </summary>
static class OrtElementTypes
{
    public static int ToOrt(ElementType type) => type switch
    {
        ElementType.UInt2 => 24,
        ElementType.Int2 => 25,
        ElementType.Float8E8M0 => 26,
        _ => (int)type,
    };

    public static ElementType FromOrt(int code) => code switch
    {
        24 => ElementType.UInt2,
        25 => ElementType.Int2,
        26 => ElementType.Float8E8M0,
        >= 0 and <= 23 => (ElementType)code,
        _ => ElementType.Undefined,
    };
}
