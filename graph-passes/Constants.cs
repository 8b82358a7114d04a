using OnnxEff.Ir;

namespace OnnxEff.GraphPasses;

/// <summary>Constants of a given element type.</summary>
static class Constants
{
    /// <summary>A float scalar, rounded to the type.</summary>
    public static Tensor Scalar(double value, ElementType element) => element switch
    {
        ElementType.Float16 => Tensor.Scalar((Half)value),
        ElementType.Float64 => Tensor.Scalar(value),
        ElementType.BFloat16 => new Tensor(ElementType.BFloat16, [],
            new TensorData(BitConverter.GetBytes((ushort)(BitConverter.SingleToUInt32Bits((float)value) >> 16)))),
        _ => Tensor.Scalar((float)value),
    };

    /// <summary>A float vector, rounded to the type.</summary>
    public static Tensor Vector(IReadOnlyList<double> values, ElementType element)
    {
        byte[] bytes = [.. values.SelectMany(v => Scalar(v, element).Data.Span.ToArray())];
        return new Tensor(element, [values.Count], new TensorData(bytes));
    }

    /// <summary>A constant of one element with the type and the axes of another one.</summary>
    public static Tensor Like(Tensor one, double value) => Scalar(value, one.Element).Reshape(one.Dims);

    /// <summary>
    /// What an additive mask holds for a hidden key: the lowest finite number. Not −∞: a row of padding that sees no key must
    /// stay a number, since the next layers' products read it.
    /// </summary>
    public static Tensor HiddenKey(ElementType element) =>
        Scalar(element == ElementType.Float16 ? (double)Half.MinValue : float.MinValue, element);
}
