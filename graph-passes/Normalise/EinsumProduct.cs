using OnnxEff.Ir;

namespace OnnxEff.GraphPasses.Normalise;

/// <summary>A tensor whose axes have labels.</summary>
sealed class Term(GraphBuilder build, Value value, string labels)
{
    public Value Value => value;

    public string Labels => labels;

    public GraphBuilder Build => build;

    /// <summary>The size of an axis, if it is known.</summary>
    public long? Size(char label) => value.Shape() is { } shape && shape.Rank == labels.Length ? shape[labels.IndexOf(label, StringComparison.Ordinal)].Constant : null;

    public Dim? Extent(char label) => value.Shape() is { } shape && shape.Rank == labels.Length ? shape[labels.IndexOf(label, StringComparison.Ordinal)] : null;

    /// <summary>The same tensor with its axes in another order.</summary>
    public Term Ordered(string order)
    {
        if (order == labels)
            return this;
        long[] perm = [.. order.Select(c => (long)labels.IndexOf(c, StringComparison.Ordinal))];
        var type = value.Type is { Shape: { } shape } t ? t with { Shape = new TensorShape(perm.Select(i => shape[(int)i])) } : value.Type;
        return new(build, build.Op("Transpose", [value], type, ("perm", perm)), order);
    }

    /// <summary>Axes that stand side by side as one, under the label of the first; axes before them are copied.</summary>
    public Term Joined(string run)
    {
        if (run.Length < 2)
            return this;
        var at = labels.IndexOf(run, StringComparison.Ordinal);
        var size = run.Aggregate(1L, (n, c) => n * Size(c)!.Value);
        return Reshaped(string.Concat(labels.AsSpan(0, at), run.AsSpan(0, 1), labels.AsSpan(at + run.Length)),
            c => c == run[0] ? size : Size(c), c => c == run[0] ? Dim.Of(size) : Extent(c)!);
    }

    /// <summary>The axis of the first label of a run split again.</summary>
    public Term Split(string run, Func<char, long> size)
    {
        if (run.Length < 2)
            return this;
        var at = labels.IndexOf(run[0], StringComparison.Ordinal);
        return Reshaped(string.Concat(labels.AsSpan(0, at), run, labels.AsSpan(at + 1)),
            c => run.Contains(c, StringComparison.Ordinal) ? size(c) : Size(c), c => run.Contains(c, StringComparison.Ordinal) ? Dim.Of(size(c)) : Extent(c)!);
    }

    /// <summary>Sizes that are not known stand before the axes that change, where 0 copies them.</summary>
    Term Reshaped(string to, Func<char, long?> size, Func<char, Dim> extent)
    {
        var target = build.Constant(Tensor.Vector<long>([.. to.Select(c => size(c) ?? 0)]));
        return new(build, build.Op("Reshape", [value, target], value.Type! with { Shape = new TensorShape(to.Select(extent)) }), to);
    }
}

/// <summary>A contraction of two labelled tensors as one matrix product.</summary>
static class EinsumProduct
{
    /// <summary>Σ a·b over the labels that the result lacks; null where no matrix product says it.</summary>
    public static Term? TryMake(Term a, Term b, string result)
    {
        if (a.Labels.Concat(b.Labels).Any(c => a.Extent(c) is null && b.Extent(c) is null) || result.Any(c => !a.Labels.Contains(c) && !b.Labels.Contains(c)))
            return null;
        var batch = string.Concat(a.Labels.Where(c => b.Labels.Contains(c) && result.Contains(c)));
        var summed = string.Concat(b.Labels.Where(c => a.Labels.Contains(c) && !result.Contains(c)));
        var left = string.Concat(a.Labels.Where(c => !b.Labels.Contains(c)));
        var right = string.Concat(b.Labels.Where(c => !a.Labels.Contains(c)));
        // An axis of one operand alone that the result lacks would have to be summed first.
        if (summed.Length == 0 || left.Concat(right).Any(c => !result.Contains(c)))
            return null;
        return batch.Length == 0 ? OfRows(a, b, left, summed, right) : OfBatches(a, b, batch, left, summed, right);
    }

    /// <summary>[m…, k] · [k, n]: the right operand is one matrix.</summary>
    static Term? OfRows(Term a, Term b, string left, string summed, string right)
    {
        if ((summed.Length > 1 && summed.Any(c => a.Size(c) is null || b.Size(c) is null)) || (right.Length > 1 && right.Any(c => b.Size(c) is null)))
            return null;
        var rows = a.Ordered(left + summed).Joined(summed);
        var matrix = b.Ordered(summed + right).Joined(summed).Joined(right);
        var product = Multiply(rows, matrix, left + right[..Math.Min(1, right.Length)], c => left.Contains(c) ? rows.Extent(c)! : matrix.Extent(c)!);
        return product.Split(right, c => b.Size(c)!.Value);
    }

    /// <summary>[b…, m…, k] · [b…, 1…, k, n]: further rows are batches in which the right operand is repeated.</summary>
    static Term? OfBatches(Term a, Term b, string batch, string left, string summed, string right)
    {
        if (left.Length == 0 || right.Length != 1 || summed.Length != 1)
            return null;
        var rows = a.Ordered(batch + left + summed);
        var matrices = b.Ordered(batch + summed + right);
        for (var i = 1; i < left.Length; i++)
        {
            var shape = matrices.Value.Type!.Shape!;
            var type = matrices.Value.Type with { Shape = new TensorShape([.. shape.Take(batch.Length), Dim.One, .. shape.Skip(batch.Length)]) };
            matrices = new(a.Build, a.Build.Op("Unsqueeze", [matrices.Value, a.Build.Constant(Tensor.Vector((long)batch.Length))], type),
                matrices.Labels.Insert(batch.Length, "_"));
        }
        return Multiply(rows, matrices, batch + left + right, c => right.Contains(c) ? b.Extent(c)! : rows.Extent(c)!);
    }

    static Term Multiply(Term a, Term b, string labels, Func<char, Dim> extent) => new(a.Build,
        a.Build.Op("MatMul", [a.Value, b.Value], a.Value.Type! with { Shape = new TensorShape(labels.Select(extent)) }), labels);
}
