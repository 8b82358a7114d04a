using OnnxEff.Ir;

namespace OnnxEff.Tests.GraphPasses.Spelling;

/// <summary>Small constants as numbers.</summary>
static class Numbers
{
    /// <summary>A tensor of numbers, rounded to its type.</summary>
    public static Tensor Of(ElementType element, ReadOnlySpan<long> dims, double[] values) => element switch
    {
        ElementType.Float32 => Tensor.Create<float>(dims, Array.ConvertAll(values, v => (float)v)),
        ElementType.Float64 => Tensor.Create<double>(dims, values),
        ElementType.Float16 => Tensor.Create<Half>(dims, Array.ConvertAll(values, v => (Half)v)),
        ElementType.Int64 => Tensor.Create<long>(dims, Array.ConvertAll(values, v => (long)v)),
        ElementType.Int32 => Tensor.Create<int>(dims, Array.ConvertAll(values, v => (int)v)),
        ElementType.Bool => Tensor.Create<bool>(dims, Array.ConvertAll(values, v => v != 0)),
        _ => throw new NotSupportedException($"No numbers of type {element}."),
    };

    /// <summary>True for types of which <see cref="Of"/> makes tensors.</summary>
    public static bool Has(ElementType element) => element is ElementType.Float32 or ElementType.Float64 or ElementType.Float16
        or ElementType.Int64 or ElementType.Int32 or ElementType.Bool;

    /// <summary>True for 32-bit and 16-bit floats, in which models compute.</summary>
    public static bool IsFloat(this Value? value) => value?.Type?.Element is ElementType.Float32 or ElementType.Float16;

    /// <summary>True for 32-bit floats, of which every operator has a kernel.</summary>
    public static bool IsSingle(this Value? value) => value?.Type?.Element == ElementType.Float32;

    /// <summary>The only element of a constant, or null.</summary>
    public static double? Scalar(this Value? value) => value?.Constant?.ToScalar();

    /// <summary>The shape, or null.</summary>
    public static TensorShape? Shape(this Value? value) => value?.Type?.Shape;

    /// <summary>A constant with each number changed.</summary>
    public static Tensor Select(this Tensor tensor, Func<double, double> change) =>
        Of(tensor.Element, tensor.Dims, Array.ConvertAll(tensor.ToDouble()!, v => change(v)));

    /// <summary>A constant matrix with its axes swapped.</summary>
    public static Tensor Transposed(this Tensor matrix)
    {
        var (rows, columns) = ((int)matrix.Dims[0], (int)matrix.Dims[1]);
        var values = matrix.ToDouble()!;
        var result = new double[values.Length];
        for (var r = 0; r < rows; r++)
        {
            for (var c = 0; c < columns; c++)
                result[(c * rows) + r] = values[(r * columns) + c];
        }
        return Of(matrix.Element, [columns, rows], result);
    }
}
