namespace OnnxEff.Ir.Shapes.Rules;

/// <summary>Reductions over axes.</summary>
static class ReductionRules
{
    public static IEnumerable<(string, ShapeRule)> All =>
    [
        ("ReduceSum", c => Reduce(c, axesInputSince: 13, (a, b) => a + b, (a, b) => a + b)),
        ("ReduceProd", c => Reduce(c, axesInputSince: 18, (a, b) => a * b, (a, b) => a * b)),
        ("ReduceMax", c => Reduce(c, axesInputSince: 18, Math.Max, Dim.Max)),
        ("ReduceMin", c => Reduce(c, axesInputSince: 18, Math.Min, Dim.Min)),
        .. ElementwiseRules.Named(c => Reduce(c, axesInputSince: 18, null, null),
            "ReduceMean", "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare"),
        ("ArgMax", Arg), ("ArgMin", Arg),
    ];

    static void Reduce(ShapeContext c, int axesInputSince, Func<double, double, double>? onNumbers, Func<Dim, Dim, Dim?>? onDims)
    {
        var type = c.Element(0);
        var given = c.Opset >= axesInputSince || c.Has(1) ? c.Has(1) : c.Node.Attributes.ContainsKey("axes");
        var axes = given ? c.IntegersOf(1, "axes") : [];
        var keep = c.Node.Int("keepdims", 1) != 0;
        if (c.Shape(0) is not { } shape || axes is null)
        {
            c.Set(0, type, c.Shape(0) is { } known && keep ? c.FreshShape(known.Rank) : null);
            return;
        }
        if (axes.Length == 0 && c.Node.Int("noop_with_empty_axes") != 0)
        {
            c.Set(0, type, shape, c.Value(0));
            return;
        }
        if ((axes.Length == 0 ? [.. Enumerable.Range(0, shape.Rank)] : c.Axes(axes, shape.Rank)) is not { } reduced)
            return;
        var result = Without(shape, reduced, keep);
        c.Set(0, type, result, reduced.Length == shape.Rank && c.Value(0) is { Count: > 0 } value ? Fold(value, type, result, onNumbers, onDims) : null);
    }

    static TensorShape Without(TensorShape shape, int[] reduced, bool keep) => keep
        ? new TensorShape(shape.Select((d, i) => reduced.Contains(i) ? Dim.One : d))
        : new TensorShape(shape.Where((_, i) => !reduced.Contains(i)));

    static SymbolicValue? Fold(SymbolicValue value, ElementType type, TensorShape shape,
        Func<double, double, double>? onNumbers, Func<Dim, Dim, Dim?>? onDims)
    {
        if (onDims is null)
            return null;
        var result = value[0];
        for (var i = 1; i < value.Count; i++)
            result = ElementArithmetic.Binary(result, value[i], type, onNumbers, onDims);
        return new SymbolicValue(shape, result);
    }

    static void Arg(ShapeContext c) => c.Set(0, ElementType.Int64, c.Shape(0) is { } shape && c.Axis(c.Node.Int("axis"), shape.Rank) is { } axis
        ? Without(shape, [axis], c.Node.Int("keepdims", 1) != 0) : null);
}
