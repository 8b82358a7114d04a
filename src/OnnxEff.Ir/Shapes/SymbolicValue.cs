namespace OnnxEff.Ir.Shapes;

/// <summary>
/// What is known about the elements of a small tensor of known shape: those of an integer or boolean tensor as
/// dimensions (true is 1), those of a float tensor as numbers, or as dimensions where a size was cast to a float.
/// </summary>
public sealed class SymbolicValue
{
    /// <summary>Tensors with more elements are not followed.</summary>
    public const int MaxElements = 64;

    readonly SymbolicElement[] _elements;

    /// <summary>A value with these elements, in row-major order.</summary>
    /// <exception cref="ArgumentException">The shape is not constant or has another number of elements.</exception>
    public SymbolicValue(TensorShape shape, params SymbolicElement[] elements)
    {
        if (shape.ElementCount.Constant != elements.Length)
            throw new ArgumentException($"A value of shape {shape} cannot have {elements.Length} elements.");
        (Shape, _elements) = (shape, elements);
    }

    /// <summary>The constant shape.</summary>
    public TensorShape Shape { get; }

    /// <summary>Number of elements.</summary>
    public int Count => _elements.Length;

    /// <summary>One element, in row-major order.</summary>
    public SymbolicElement this[int index] => _elements[index];

    /// <summary>The elements as integers or sizes; null where an element is not known or is a fraction.</summary>
    public IReadOnlyList<Dim?> Elements => Array.ConvertAll(_elements, e => e.Dim);

    /// <summary>All elements as integers, or null if one of them is not a known integer.</summary>
    public long[]? ToInt64() => Array.TrueForAll(_elements, e => e.Dim?.IsConstant == true)
        ? Array.ConvertAll(_elements, e => e.Dim!.Constant!.Value) : null;

    /// <summary>All elements as numbers, or null if one of them is not known.</summary>
    public double[]? ToDouble() => Array.TrueForAll(_elements, e => e.Number is not null)
        ? Array.ConvertAll(_elements, e => e.Number!.Value) : null;

    /// <summary>True if at least one element is known.</summary>
    public bool IsUseful => Array.Exists(_elements, e => e.IsKnown);

    /// <summary>The elements of a constant tensor, or null if it is too large or holds no plain numbers.</summary>
    public static SymbolicValue? Of(Tensor tensor)
    {
        if (tensor.Count > MaxElements || tensor.Element == ElementType.String)
            return null;
        var shape = TensorShape.Of(tensor.Dims.ToArray());
        if (tensor.ToInt64() is { } integers)
            return new(shape, Array.ConvertAll(integers, v => new SymbolicElement(v)));
        return tensor.ToDouble() is { } numbers ? new(shape, Array.ConvertAll(numbers, SymbolicElement.OfNumber)) : null;
    }

    /// <summary>A vector of dimensions.</summary>
    public static SymbolicValue Vector(params IEnumerable<Dim?> dims)
    {
        SymbolicElement[] elements = [.. dims.Select(d => new SymbolicElement(d))];
        return new(TensorShape.Of(elements.Length), elements);
    }

    /// <summary>A scalar.</summary>
    public static SymbolicValue Scalar(Dim? dim) => new(TensorShape.Scalar, new SymbolicElement(dim));

    /// <summary>The same elements in another shape with the same number of elements.</summary>
    public SymbolicValue Reshape(TensorShape shape) => new(shape, _elements);

    /// <summary>The elements, each replaced.</summary>
    public SymbolicValue Select(Func<SymbolicElement, SymbolicElement> change) =>
        new(Shape, Array.ConvertAll(_elements, e => change(e)));

    /// <summary>The value as text: <c>[B, S, 4, ?]</c>.</summary>
    public override string ToString() =>
        Shape.Rank == 0 ? _elements[0].ToString() : $"[{string.Join(", ", _elements.Select(e => e.ToString()))}]";
}
