using OnnxEff.Ir;

namespace OnnxEff.GraphPasses.Normalise;

/// <summary>What a Slice takes, in one spelling.</summary>
sealed record SliceBounds(long[] Axes, long[] Starts, long[] Ends, long[] Steps)
{
    /// <summary>The bounds of a Slice by constants, or null.</summary>
    public static SliceBounds? TryRead(Node node)
    {
        if (node.Input(0).Shape() is not { } shape || node.Input(1)?.Constant?.ToInt64() is not { } starts || node.Input(2)?.Constant?.ToInt64() is not { } ends
            || (node.Input(3) is not null && node.Input(3)!.Constant is null) || (node.Input(4) is not null && node.Input(4)!.Constant is null))
            return null;
        var axes = node.Input(3)?.Constant?.ToInt64() ?? [.. Enumerable.Range(0, starts.Length).Select(i => (long)i)];
        var steps = node.Input(4)?.Constant?.ToInt64() ?? [.. starts.Select(_ => 1L)];
        if (axes.Length != starts.Length || ends.Length != starts.Length || steps.Length != starts.Length || steps.Any(s => s <= 0))
            return null;
        var taken = Enumerable.Range(0, axes.Length).Select(i => Bound(shape, axes[i], starts[i], ends[i], steps[i]))
            .Where(b => !(b.Start == 0 && b.Step == 1 && b.End == (shape[(int)b.Axis].Constant ?? long.MaxValue))).OrderBy(b => b.Axis).ToArray();
        return new([.. taken.Select(b => b.Axis)], [.. taken.Select(b => b.Start)], [.. taken.Select(b => b.End)], [.. taken.Select(b => b.Step)]);
    }

    /// <summary>Writes a Slice in this spelling; false if it was.</summary>
    public bool Rewrite(Node node)
    {
        var isPlain = Same(node.Input(1), Starts) && Same(node.Input(2), Ends) && Same(node.Input(3), Axes)
            && (Array.TrueForAll(Steps, s => s == 1) ? node.Input(4) is null : Same(node.Input(4), Steps));
        if (isPlain || Axes.Length == 0)
            return false;
        var build = new GraphBuilder(node.Graph, node.Name.Length > 0 ? node.Name : node.Result.Name);
        for (var i = 1; i < 5; i++)
            node.SetInput(i, Input(build, i));
        node.TrimInputs();
        return true;
    }

    /// <summary>A Slice of a value.</summary>
    public Value Build(Value x, TensorType type, string name)
    {
        var build = new GraphBuilder(x.Graph, name);
        return build.Op("Slice", [x, Input(build, 1), Input(build, 2), Input(build, 3), Input(build, 4)], type);
    }

    Value? Input(GraphBuilder build, int slot) => slot switch
    {
        1 => build.Constant(Tensor.Vector<long>(Starts)),
        2 => build.Constant(Tensor.Vector<long>(Ends)),
        3 => build.Constant(Tensor.Vector<long>(Axes)),
        _ => Array.TrueForAll(Steps, s => s == 1) ? null : build.Constant(Tensor.Vector<long>(Steps)),
    };

    static (long Axis, long Start, long End, long Step) Bound(TensorShape shape, long axis, long start, long end, long step)
    {
        if (axis < 0)
            axis += shape.Rank;
        if (shape[(int)axis].Constant is { } size)
            return (axis, Math.Clamp(start < 0 ? start + size : start, 0, size), Math.Clamp(end < 0 ? end + size : end, 0, size), step);
        return (axis, start, end >= int.MaxValue ? long.MaxValue : end, step); // Both numbers mean the end.
    }

    static bool Same(Value? value, long[] numbers) => value?.Constant is { Element: ElementType.Int64 } tensor && tensor.As<long>().SequenceEqual(numbers);
}
