namespace OnnxEff.Ir.Shapes.Rules;

/// <summary>Operators that pick, join or cut elements.</summary>
static class SelectionRules
{
    public static IEnumerable<(string, ShapeRule)> All =>
    [
        ("Gather", Gather), ("GatherElements", GatherElements), ("GatherND", GatherNd), ("Concat", Concat), ("Split", Split),
        ("Slice", SliceRule.Apply), ("Pad", Pad), ("TopK", TopK), ("NonZero", NonZero), ("Compress", Compress), ("OneHot", OneHot),
    ];

    static void Gather(ShapeContext c)
    {
        if (c.Shape(0) is not { } data || c.Shape(1) is not { } indices || c.Axis(c.Node.Int("axis"), data.Rank) is not { } axis)
        {
            c.Set(0, c.Element(0), null);
            return;
        }
        var shape = new TensorShape([.. data[..axis], .. indices, .. data[(axis + 1)..]]);
        c.Set(0, c.Element(0), shape, GatherValue(c, data, shape, axis));
    }

    static SymbolicValue? GatherValue(ShapeContext c, TensorShape data, TensorShape shape, int axis)
    {
        if (c.Value(0) is not { } value || c.Integers(1) is not { } indices || shape.ElementCount.Constant is not (<= SymbolicValue.MaxElements))
            return null;
        var size = data[axis].Constant!.Value;
        var inner = TensorShape.Product(data[(axis + 1)..]).Constant!.Value;
        var outer = TensorShape.Product(data[..axis]).Constant!.Value;
        var elements = new List<SymbolicElement>();
        for (long o = 0; o < outer; o++)
        {
            foreach (var index in indices)
            {
                var at = index < 0 ? index + size : index;
                if (at < 0 || at >= size)
                {
                    c.Complain($"Index {index} lies outside of {size} elements.");
                    return null;
                }
                for (long i = 0; i < inner; i++)
                    elements.Add(value[(int)((((o * size) + at) * inner) + i)]);
            }
        }
        return new SymbolicValue(shape, [.. elements]);
    }

    static void GatherElements(ShapeContext c) => c.Set(0, c.Element(0), c.Shape(1));

    static void GatherNd(ShapeContext c)
    {
        var batch = (int)Math.Clamp(c.Node.Int("batch_dims"), 0, 16);
        if (c.Shape(0) is not { } data || c.Shape(1) is not { Rank: > 0 } indices || indices[-1].Constant is not (>= 0 and <= 16)
            || batch + indices[-1].Constant > data.Rank || batch >= indices.Rank)
        {
            c.Set(0, c.Element(0), null);
            return;
        }
        for (var i = 0; i < batch; i++)
            c.Equate(data[i], indices[i], "Batch axes differ");
        var depth = (int)indices[-1].Constant!.Value;
        c.Set(0, c.Element(0), new TensorShape([.. indices[..^1], .. data[(batch + depth)..]]));
    }

    static void Concat(ShapeContext c)
    {
        var element = Enumerable.Range(0, c.Node.Inputs.Count).Select(c.Element).FirstOrDefault(e => e != ElementType.Undefined);
        var first = Enumerable.Range(0, c.Node.Inputs.Count).Select(c.Shape).FirstOrDefault(s => s is not null);
        if (first is null || c.Axis(c.Node.Int("axis"), first.Rank) is not { } axis)
        {
            c.Set(0, element, null);
            return;
        }
        Dim[] dims = [.. first];
        Dim? sum = Dim.Zero;
        for (var i = 0; i < c.Node.Inputs.Count; i++)
        {
            if (c.Shape(i) is not { } shape)
            {
                sum = null;
                continue;
            }
            if (shape.Rank != dims.Length)
            {
                c.Complain($"{shape} and {first} have different ranks.");
                c.Set(0, element, null);
                return;
            }
            for (var k = 0; k < dims.Length; k++)
            {
                if (k != axis)
                    dims[k] = c.Equate(dims[k], shape[k], $"Axis {k} of joined tensors differs");
            }
            sum = sum is null ? null : sum + shape[axis];
        }
        dims[axis] = sum ?? c.Fresh(axis);
        c.Set(0, element, new TensorShape(dims), dims is [{ IsConstant: true }] ? ConcatValue(c) : null);
    }

    static SymbolicValue? ConcatValue(ShapeContext c)
    {
        var elements = new List<SymbolicElement>();
        for (var i = 0; i < c.Node.Inputs.Count; i++)
        {
            var count = c.Shape(i)![0].Constant!.Value;
            if (elements.Count + count > SymbolicValue.MaxElements)
                return null;
            var value = c.Value(i);
            for (var k = 0; k < count; k++)
                elements.Add(value is null ? SymbolicElement.Unknown : value[k]);
        }
        return new SymbolicValue(TensorShape.Of(elements.Count), [.. elements]);
    }

    static void Split(ShapeContext c)
    {
        var parts = c.Node.Outputs.Count;
        if (c.Shape(0) is not { } shape || c.Axis(c.Node.Int("axis"), shape.Rank) is not { } axis)
        {
            for (var i = 0; i < parts; i++)
                c.Set(i, c.Element(0), null);
            return;
        }
        var given = c.Value(1)?.Elements ?? (c.Node.Ints("split") is { } old ? [.. old.Select(Dim.Of)] : null);
        var equal = given is null && !c.Has(1) ? Dim.CeilingDivide(shape[axis], Dim.Of(parts)) : null;
        var value = shape.Rank == 1 ? c.Value(0) : null;
        var offset = 0L;
        for (var i = 0; i < parts; i++)
        {
            var size = given is not null ? (i < given.Count ? given[i] : null)
                : equal is null ? null : i < parts - 1 ? equal : shape[axis] - (equal * Dim.Of(parts - 1));
            var dims = new TensorShape(shape.Select((d, k) => k != axis ? d : size ?? c.Fresh(axis, i)));
            var part = value is not null && size?.Constant is { } count && count >= 0 && offset + count <= value.Count
                ? new SymbolicValue(dims, [.. Enumerable.Range((int)offset, (int)count).Select(k => value[k])]) : null;
            c.Set(i, c.Element(0), dims, part);
            offset = size?.Constant is { } known && known >= 0 ? offset + Math.Min(known, 1 << 20) : 1 << 20;
        }
    }

    static void Pad(ShapeContext c)
    {
        if (c.Shape(0) is not { } shape)
        {
            c.Set(0, c.Element(0), null);
            return;
        }
        var pads = c.Value(1)?.Elements ?? (c.Node.Ints("pads") is { } old ? [.. old.Select(Dim.Of)] : null);
        var axes = !c.Has(3) ? [.. Enumerable.Range(0, shape.Rank)] : c.Integers(3) is { } given ? Positions(c, given, shape.Rank) : null;
        if (pads is null || axes is null || pads.Count != 2 * axes.Length)
        {
            c.Set(0, c.Element(0), c.FreshShape(shape.Rank));
            return;
        }
        Dim[] dims = [.. shape];
        for (var i = 0; i < axes.Length; i++)
            dims[axes[i]] = pads[i] is { } before && pads[i + axes.Length] is { } after ? dims[axes[i]] + before + after : c.Fresh(axes[i]);
        c.Set(0, c.Element(0), new TensorShape(dims));
    }

    static int[]? Positions(ShapeContext c, long[] axes, int rank)
    {
        var positions = new int[axes.Length];
        for (var i = 0; i < axes.Length; i++)
        {
            if (c.Axis(axes[i], rank) is not { } axis)
                return null;
            positions[i] = axis;
        }
        return positions;
    }

    static void TopK(ShapeContext c)
    {
        var count = c.Value(1) is { Count: 1 } k ? k[0].Dim : c.Node.Ints("k") is [var old] ? Dim.Of(old)
            : c.Node.Attributes.ContainsKey("k") ? Dim.Of(c.Node.Int("k")) : null;
        for (var i = 0; i < 2; i++)
        {
            var output = i;
            var shape = c.Shape(0) is { } data && c.Axis(c.Node.Int("axis", -1), data.Rank) is { } axis
                ? new TensorShape(data.Select((d, n) => n != axis ? d : count ?? c.Fresh(axis, output))) : null;
            c.Set(i, i == 0 ? c.Element(0) : ElementType.Int64, shape);
        }
    }

    static void NonZero(ShapeContext c)
    {
        if (c.Shape(0) is { Rank: > 0 } known && c.Value(0)?.ToDouble() is { Length: > 0 } numbers)
        {
            int[] found = [.. Enumerable.Range(0, numbers.Length).Where(i => numbers[i] != 0)];
            var sizes = known.ToConstant()!;
            var result = TensorShape.Of(sizes.Length, found.Length);
            var elements = new List<SymbolicElement>();
            for (var axis = 0; axis < sizes.Length; axis++)
            {
                var inner = Tensor.CountOf(sizes.AsSpan(axis + 1));
                elements.AddRange(found.Select(i => new SymbolicElement((Dim)(i / inner % sizes[axis]))));
            }
            c.Set(0, ElementType.Int64, result, elements.Count <= SymbolicValue.MaxElements ? new SymbolicValue(result, [.. elements]) : null);
            return;
        }
        c.Set(0, ElementType.Int64, new TensorShape(c.Shape(0) is { } shape ? Dim.Of(shape.Rank) : c.Fresh(0), c.Fresh(1)));
    }

    static void Compress(ShapeContext c)
    {
        if (!c.Node.Attributes.ContainsKey("axis"))
            c.Set(0, c.Element(0), c.FreshShape(1));
        else if (c.Shape(0) is { } shape && c.Axis(c.Node.Int("axis"), shape.Rank) is { } axis)
            c.Set(0, c.Element(0), new TensorShape(shape.Select((d, i) => i == axis ? c.Fresh(axis) : d)));
        else
            c.Set(0, c.Element(0), null);
    }

    static void OneHot(ShapeContext c)
    {
        if (c.Shape(0) is not { } indices || c.Axis(c.Node.Int("axis", -1), indices.Rank + 1) is not { } axis)
        {
            c.Set(0, c.Element(2), null);
            return;
        }
        List<Dim> dims = [.. indices];
        dims.Insert(axis, c.Value(1) is { Count: 1 } depth && depth[0].Dim is { } size ? size : c.Fresh(axis));
        c.Set(0, c.Element(2), new TensorShape(dims));
    }
}
