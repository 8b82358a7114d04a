namespace OnnxEff.Ir.Shapes.Rules;

/// <summary>Operators that read a shape, or give the same elements another one.</summary>
static class ShapeRulesOfShapes
{
    public static IEnumerable<(string, ShapeRule)> All =>
    [
        ("Shape", Shape), ("Size", Size), ("Reshape", Reshape), ("Flatten", Flatten), ("Squeeze", Squeeze), ("Unsqueeze", Unsqueeze),
        ("Transpose", Transpose), ("Expand", Expand), ("Tile", Tile),
        ("DepthToSpace", c => Blocks(c, toSpace: true)), ("SpaceToDepth", c => Blocks(c, toSpace: false)),
    ];

    /// <summary>Sets an output that has the elements of input 0 in another shape.</summary>
    static void Same(ShapeContext c, TensorShape shape)
    {
        var value = c.Value(0);
        c.Set(0, c.Element(0), shape, value is not null && shape.ElementCount.Constant == value.Count ? value.Reshape(shape) : null);
    }

    static void Shape(ShapeContext c)
    {
        if (c.Shape(0) is not { } shape)
        {
            c.Set(0, ElementType.Int64, c.FreshShape(1));
            return;
        }
        var start = Clamp(c.Node.Int("start"), shape.Rank);
        var end = Clamp(c.Node.Int("end", shape.Rank), shape.Rank);
        c.SetKnown(0, ElementType.Int64, SymbolicValue.Vector(shape[start..Math.Max(start, end)].ToArray()));
    }

    static int Clamp(long axis, int rank) => (int)Math.Clamp(axis < 0 ? axis + rank : axis, 0, rank);

    static void Size(ShapeContext c) => c.SetKnown(0, ElementType.Int64, SymbolicValue.Scalar(c.Shape(0)?.ElementCount));

    static void Reshape(ShapeContext c)
    {
        var target = c.Value(1) ?? (c.Node.Ints("shape") is { } old ? SymbolicValue.Vector(old.Select(Dim.Of)) : null);
        if (target is not null)
            Same(c, ReshapeSolver.Solve(c, c.Shape(0), target, allowZero: c.Node.Int("allowzero") != 0));
        else if (c.Shape(1) is [var rank] && rank.Constant is >= 0 and <= 16)
            c.Set(0, c.Element(0), c.FreshShape((int)rank.Constant.Value));
        else
            c.Set(0, c.Element(0), null);
    }

    static void Flatten(ShapeContext c)
    {
        if (c.Shape(0) is not { } shape)
        {
            c.Set(0, c.Element(0), c.FreshShape(2));
            return;
        }
        var axis = Clamp(c.Node.Int("axis", 1), shape.Rank);
        Same(c, new TensorShape(TensorShape.Product(shape[..axis]), TensorShape.Product(shape[axis..])));
    }

    static void Squeeze(ShapeContext c)
    {
        if (c.Shape(0) is not { } shape || (c.HasIntegersOf(1, "axes") && c.IntegersOf(1, "axes") is null))
        {
            c.Set(0, c.Element(0), null);
            return;
        }
        var axes = c.IntegersOf(1, "axes") is { } given ? c.Axes(given, shape.Rank)
            : shape.IsConstant ? [.. Enumerable.Range(0, shape.Rank).Where(i => shape[i] == Dim.One)] : null;
        if (axes is null)
        {
            c.Set(0, c.Element(0), null);
            return;
        }
        foreach (var axis in axes)
            c.Equate(shape[axis], Dim.One, "A squeezed axis must be 1");
        Same(c, new TensorShape(shape.Where((_, i) => !axes.Contains(i))));
    }

    static void Unsqueeze(ShapeContext c)
    {
        if (c.Shape(0) is not { } shape || c.IntegersOf(1, "axes") is not { } given || c.Axes(given, shape.Rank + given.Length) is not { } axes)
        {
            c.Set(0, c.Element(0), null);
            return;
        }
        if (axes.Length != given.Length)
        {
            c.Complain($"The axes [{string.Join(", ", given)}] name one twice.");
            c.Set(0, c.Element(0), null);
            return;
        }
        List<Dim> dims = [.. shape];
        foreach (var axis in axes)
            dims.Insert(axis, Dim.One);
        Same(c, new TensorShape(dims));
    }

    static void Transpose(ShapeContext c)
    {
        if (c.Shape(0) is not { } shape)
        {
            c.Set(0, c.Element(0), null);
            return;
        }
        var order = c.Node.Ints("perm") ?? [.. Enumerable.Range(0, shape.Rank).Select(i => (long)(shape.Rank - 1 - i))];
        if (order.Length != shape.Rank || c.Axes(order, shape.Rank)?.Length != shape.Rank)
        {
            c.Complain($"perm [{string.Join(", ", order)}] is no order of {shape.Rank} axes.");
            c.Set(0, c.Element(0), null);
            return;
        }
        var transposed = new TensorShape(order.Select(axis => shape[(int)axis]));
        c.Set(0, c.Element(0), transposed, c.Value(0) is { } value ? TransposeValue(value, order, transposed) : null);
    }

    static SymbolicValue TransposeValue(SymbolicValue value, long[] order, TensorShape shape)
    {
        var elements = new SymbolicElement[value.Count];
        var coordinates = new long[order.Length];
        for (var at = 0; at < elements.Length; at++)
        {
            var rest = (long)at;
            for (var i = order.Length - 1; i >= 0; i--)
            {
                var size = shape[i].Constant!.Value;
                coordinates[(int)(order[i] < 0 ? order[i] + order.Length : order[i])] = rest % size;
                rest /= size;
            }
            long source = 0;
            for (var i = 0; i < order.Length; i++)
                source = (source * value.Shape[i].Constant!.Value) + coordinates[i];
            elements[at] = value[(int)source];
        }
        return new SymbolicValue(shape, elements);
    }

    static void Expand(ShapeContext c)
    {
        if (c.Value(1) is not { } target)
        {
            var rank = c.Shape(1) is [var count] ? count.Constant : null;
            var known = rank is >= 0 and <= 16 && c.Shape(0) is { } input ? Math.Max((int)rank.Value, input.Rank) : -1;
            c.Set(0, c.Element(0), known < 0 ? null : c.FreshShape(known));
            return;
        }
        if (c.Shape(0) is not { } shape)
        {
            c.Set(0, c.Element(0), null);
            return;
        }
        var rankOfOutput = Math.Max(shape.Rank, target.Count);
        var dims = new TensorShape(target.Elements.Select((d, i) => c.Dimension(d, rankOfOutput - target.Count + i)));
        var expanded = c.Broadcast(shape, dims);
        c.Set(0, c.Element(0), expanded, expanded.IsConstant && c.Value(0) is { } value && expanded.ElementCount.Constant <= SymbolicValue.MaxElements
            ? ValueBroadcast.Combine([value, Zeros(expanded)], e => e[0]) : null);
    }

    static SymbolicValue Zeros(TensorShape shape)
    {
        var zeros = new SymbolicElement[shape.ElementCount.Constant!.Value];
        return new SymbolicValue(shape, zeros);
    }

    static void Tile(ShapeContext c)
    {
        if (c.Shape(0) is not { } shape)
        {
            c.Set(0, c.Element(0), null);
            return;
        }
        var repeats = c.Value(1)?.Elements;
        c.Set(0, c.Element(0), new TensorShape(shape.Select((d, i) =>
            repeats is not null && i < repeats.Count && repeats[i] is { } times ? c.Dimension(d * times, i) : c.Fresh(i))));
    }

    static void Blocks(ShapeContext c, bool toSpace)
    {
        if (c.Shape(0) is not [var n, var channels, var height, var width])
        {
            c.Set(0, c.Element(0), c.FreshShape(4));
            return;
        }
        var block = Dim.Of(Math.Max(1, c.Node.Int("blocksize", 1)));
        c.Set(0, c.Element(0), toSpace
            ? new TensorShape(n, Dim.FloorDivide(channels, block * block), height * block, width * block)
            : new TensorShape(n, channels * block * block, Dim.FloorDivide(height, block), Dim.FloorDivide(width, block)));
    }
}
