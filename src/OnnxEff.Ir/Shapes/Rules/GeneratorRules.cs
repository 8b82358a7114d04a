namespace OnnxEff.Ir.Shapes.Rules;

/// <summary>Operators that make tensors out of attributes and shape values.</summary>
static class GeneratorRules
{
    public static IEnumerable<(string, ShapeRule)> All =>
    [
        ("Constant", Constant), ("ConstantOfShape", ConstantOfShape), ("Range", Range), ("EyeLike", EyeLike),
        ("RandomNormalLike", Like), ("RandomUniformLike", Like), ("RandomNormal", OfShape), ("RandomUniform", OfShape),
    ];

    static void Constant(ShapeContext c)
    {
        var node = c.Node;
        if (node.TryGetAttribute<TensorAttribute>("value", out var tensor))
            c.Set(0, tensor.Value.Element, tensor.Value.Type.Shape, SymbolicValue.Of(tensor.Value));
        else if (node.TryGetAttribute<IntAttribute>("value_int", out var integer))
            c.SetKnown(0, ElementType.Int64, SymbolicValue.Scalar(integer.Value));
        else if (node.TryGetAttribute<FloatAttribute>("value_float", out var number))
            c.SetKnown(0, ElementType.Float32, new SymbolicValue(TensorShape.Scalar, SymbolicElement.OfNumber(number.Value)));
        else if (node.TryGetAttribute<IntsAttribute>("value_ints", out var integers))
            SetVector(c, ElementType.Int64, Array.ConvertAll(integers.Values, v => new SymbolicElement(v)));
        else if (node.TryGetAttribute<FloatsAttribute>("value_floats", out var numbers))
            SetVector(c, ElementType.Float32, Array.ConvertAll(numbers.Values, v => SymbolicElement.OfNumber(v)));
        else if (node.TryGetAttribute<StringsAttribute>("value_strings", out var strings))
            c.Set(0, ElementType.String, TensorShape.Of(strings.Values.Length));
        else if (node.Attributes.ContainsKey("value_string"))
            c.Set(0, ElementType.String, TensorShape.Scalar);
    }

    static void SetVector(ShapeContext c, ElementType type, SymbolicElement[] elements) => c.Set(0, type, TensorShape.Of(elements.Length),
        elements.Length <= SymbolicValue.MaxElements ? new SymbolicValue(TensorShape.Of(elements.Length), elements) : null);

    static void ConstantOfShape(ShapeContext c)
    {
        var fill = c.Node.TryGetAttribute<TensorAttribute>("value", out var tensor) ? tensor.Value : Tensor.Scalar(0f);
        var shape = c.Value(0) is { } dims ? new TensorShape(dims.Elements.Select(c.Dimension))
            : c.Shape(0) is [var rank] && rank.Constant is >= 0 and <= 16 ? c.FreshShape((int)rank.Constant.Value) : null;
        var value = shape?.ElementCount.Constant is { } count and >= 0 and <= SymbolicValue.MaxElements && fill.Count == 1
            && SymbolicValue.Of(fill) is { } one ? new SymbolicValue(shape, [.. Enumerable.Repeat(one[0], (int)count)]) : null;
        c.Set(0, fill.Element, shape, value);
    }

    static void Range(ShapeContext c)
    {
        var element = c.Element(0);
        if (c.Value(0) is not [var start] || c.Value(1) is not [var limit] || c.Value(2) is not [var delta] || Count(start, limit, delta) is not { } count)
        {
            c.Set(0, element, c.FreshShape(1));
            return;
        }
        var value = element.IsInteger() && count.Constant is { } n and <= SymbolicValue.MaxElements && start.Dim is { } first && delta.Dim is { } step
            ? SymbolicValue.Vector(Enumerable.Range(0, (int)n).Select(i => first + (step * Dim.Of(i)))) : null;
        c.Set(0, element, new TensorShape(count), value);
    }

    static Dim? Count(SymbolicElement start, SymbolicElement limit, SymbolicElement delta)
    {
        if (start.Dim is { } from && limit.Dim is { } to && delta.Dim is { IsConstant: true } step && step != Dim.Zero)
            return Dim.Max(Dim.CeilingDivide(to - from, step), Dim.Zero);
        return start.Number is { } a && limit.Number is { } b && delta.Number is { } d && d != 0 && Math.Abs((b - a) / d) < 1L << 53
            ? Dim.Of((long)Math.Max(0, Math.Ceiling((b - a) / d))) : null;
    }

    static void EyeLike(ShapeContext c) => c.Set(0, (ElementType)c.Node.Int("dtype", (long)c.Element(0)), c.Shape(0));

    static void Like(ShapeContext c) => c.Set(0, (ElementType)c.Node.Int("dtype", (long)c.Element(0)), c.Shape(0));

    static void OfShape(ShapeContext c) => c.Set(0, (ElementType)c.Node.Int("dtype", (long)ElementType.Float32),
        c.Node.Ints("shape") is { } dims ? TensorShape.Of(dims) : null);
}
