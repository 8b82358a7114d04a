namespace OnnxEff.Ir.Shapes.Rules;

/// <summary>Slice: bounds counted from either end, clamped to the axis, with any step.</summary>
static class SliceRule
{
    const long Unbounded = int.MaxValue; // Exporters write this or a 64-bit maximum for "to the end".

    public static void Apply(ShapeContext c)
    {
        if (c.Shape(0) is not { } shape)
        {
            c.Set(0, c.Element(0), null);
            return;
        }
        var starts = Bounds(c, 1, "starts");
        var ends = Bounds(c, 2, "ends");
        var count = starts?.Count ?? ends?.Count;
        var axes = c.HasIntegersOf(3, "axes") ? c.IntegersOf(3, "axes")
            : count is null ? null : [.. Enumerable.Range(0, count.Value).Select(i => (long)i)];
        var steps = c.Has(4) ? c.Integers(4) : axes is null ? null : [.. axes.Select(_ => 1L)];
        if (axes is null)
        {
            c.Set(0, c.Element(0), c.FreshShape(shape.Rank));
            return;
        }
        Dim[] dims = [.. shape];
        for (var i = 0; i < axes.Length; i++)
        {
            if (c.Axis(axes[i], shape.Rank) is not { } axis)
                return;
            dims[axis] = Length(shape[axis], At(starts, i), At(ends, i), steps is not null && i < steps.Length ? steps[i] : 0) ?? c.Fresh(axis);
        }
        var result = new TensorShape(dims);
        var value = axes.Length == 1 && shape.Rank == 1 && steps is [var step] ? Cut(c.Value(0), At(starts, 0), At(ends, 0), step, result) : null;
        c.Set(0, c.Element(0), result, value);
    }

    static IReadOnlyList<Dim?>? Bounds(ShapeContext c, int input, string attribute) =>
        c.Has(input) ? c.Value(input)?.Elements : c.Node.Ints(attribute) is { } old ? [.. old.Select(Dim.Of)] : null;

    static Dim? At(IReadOnlyList<Dim?>? bounds, int index) => bounds is not null && index < bounds.Count ? bounds[index] : null;

    /// <summary>The number of elements taken, or null if it does not follow.</summary>
    static Dim? Length(Dim size, Dim? start, Dim? end, long step)
    {
        if (step == 0)
            return null;
        if (step < 0)
            return Backwards(size, start, end, step);
        if (start is null || end is null)
            return null;
        // A start beyond the end gives 0 with and without being clamped; without, the result reads better.
        var first = start.Constant <= -Unbounded ? Dim.Zero : start.LowerBound >= 0 ? start : Dim.Index(start, size);
        var last = end.Constant >= Unbounded ? size : end.Constant <= -Unbounded ? Dim.Zero : Dim.Index(end, size);
        return Dim.Max(Dim.CeilingDivide(last - first, Dim.Of(step)), Dim.Zero);
    }

    static Dim? Backwards(Dim size, Dim? start, Dim? end, long step)
    {
        if (start is null || end is null || step == long.MinValue)
            return null;
        if ((start.Constant == -1 || start.Constant >= Unbounded) && end.Constant <= -Unbounded)
            return Dim.CeilingDivide(size, Dim.Of(-step));
        if (size.Constant is not { } n || start.Constant is not { } from || end.Constant is not { } to)
            return null;
        from = Math.Clamp(from < 0 ? from + n : from, -1, n - 1);
        to = Math.Clamp(to < 0 ? to + n : to, -1, n - 1);
        return Dim.Of(Math.Max(0, (from - to - step - 1) / -step));
    }

    static SymbolicValue? Cut(SymbolicValue? value, Dim? start, Dim? end, long step, TensorShape shape)
    {
        if (value is null || shape[0].Constant is not { } count || start?.Constant is not { } first || end?.Constant is null)
            return null;
        first = Math.Clamp(first < 0 ? first + value.Count : first, 0, value.Count);
        first = step < 0 ? Math.Min(first, value.Count - 1) : first;
        return new SymbolicValue(shape, [.. Enumerable.Range(0, (int)count).Select(i => value[(int)(first + (i * step))])]);
    }
}
