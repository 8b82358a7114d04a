using OnnxEff.Ir;

namespace OnnxEff.Tests.GraphPasses.Spelling.Mutations;

/// <summary>Split ⇒ a Slice for each part.</summary>
public sealed class SplitAsSlices : NodeMutation
{
    protected override Action? At(Manuscript m, Node node)
    {
        if (!node.Is("Split") || node.Input(0).Shape() is not { } shape || node.Outputs.Any(o => o.Name.Length == 0))
            return null;
        var axis = (int)((node.Int("axis") + shape.Rank) % shape.Rank);
        var sizes = node.Outputs.Select(o => o.Shape()?[axis].Constant).ToArray();
        if (sizes.Any(s => s is null))
            return null;
        return () =>
        {
            var start = 0L;
            for (var i = 0; i < sizes.Length; i++)
            {
                var part = node.Outputs[i];
                Manuscript.Replace(part, Spelled(m, node.Input(0)!, m.OneOf(axis, axis - shape.Rank), start, sizes[i]!.Value, shape[axis].Constant));
                start += sizes[i]!.Value;
            }
        };
    }

    /// <summary>A Slice that counts from the front or from the end, or a Gather of the indices.</summary>
    internal static Value Spelled(Manuscript m, Value x, long axis, long start, long size, long? extent)
    {
        var end = start + size;
        var isRest = end == extent;
        return m.OneOf<Func<Value>>(
            () => m.Slice(x, axis, start, end),
            () => m.Slice(x, axis, start, isRest ? m.OneOf(long.MaxValue, int.MaxValue) : end),
            () => m.Slice(x, axis, start - (extent ?? 0), isRest ? long.MaxValue : end - (extent ?? 0)),
            () => m.Op("Gather", [x, m.Ints([.. Enumerable.Range((int)start, (int)size).Select(i => (long)i)])], ("axis", axis)))();
    }
}

/// <summary>Slice of a known range ⇒ another that says the same, or a Gather of the indices.</summary>
public sealed class SliceSpelled : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node)
    {
        if (!node.Is("Slice") || node.Input(0).Shape() is not { } shape || node.Input(3).Scalar() is not { } given || node.Input(4).Scalar() is not (null or 1)
            || node.Input(1).Scalar() is not { } first)
            return null;
        var axis = (int)((given + shape.Rank) % shape.Rank);
        if (shape[axis].Constant is not { } extent || node.Result.Shape()?[axis].Constant is not { } size || size is 0 or > 64)
            return null;
        var start = first < 0 ? first + extent : first;
        return () => SplitAsSlices.Spelled(m, node.Input(0)!, m.OneOf(axis, axis - shape.Rank), (long)start, size, extent);
    }
}

/// <summary>A Slice of one part ⇒ an output of a Split that gives the rest too.</summary>
public sealed class SliceAsSplit : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node)
    {
        if (!node.Is("Slice") || m.Opset < 13 || node.Input(0).Shape() is not { } shape || node.Input(3).Scalar() is not { } given
            || node.Input(4).Scalar() is not (null or 1) || node.Input(1).Scalar() is not { } start || start < 0)
            return null;
        var axis = (int)((given + shape.Rank) % shape.Rank);
        if (shape[axis].Constant is not { } extent || node.Result.Shape()?[axis].Constant is not { } size || size == 0 || size == extent)
            return null;
        long[] sizes = [.. ((long[])[(long)start, size, extent - (long)start - size]).Where(s => s > 0)];
        return () =>
        {
            var part = m.Op("Split", [node.Input(0), m.Ints(sizes)], ("axis", given < 0 ? axis - shape.Rank : axis));
            for (var i = 1; i < sizes.Length; i++)
                part.Producer!.AddOutput(m.Graph.FreshName("part"));
            return part.Producer!.Outputs[start > 0 ? 1 : 0];
        };
    }
}

/// <summary>Gather of one index ⇔ Slice and Squeeze.</summary>
public sealed class IndexAsSlice : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node)
    {
        if (!node.Is("Gather") || node.Input(1)!.Constant is not { Count: 1, Rank: 0 } index || index.ToScalar() is not { } at || at < 0 || node.Input(0).Shape() is null)
            return null;
        var axis = node.Int("axis");
        return () => m.Squeeze(m.Slice(node.Input(0)!, axis, (long)at, (long)at + 1), axis);
    }
}

/// <summary>Concat(Concat(a, b), c) ⇔ Concat(a, b, c).</summary>
public sealed class ConcatInSteps : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node) => !node.Is("Concat") || node.Inputs.Count < 3 ? null
        : () => m.Op("Concat", [m.Op("Concat", [.. node.Inputs.Take(2)], ("axis", node.Int("axis"))), .. node.Inputs.Skip(2)], ("axis", node.Int("axis")));
}
