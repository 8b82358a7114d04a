namespace OnnxEff.Ir.Shapes;

/// <summary>The shape that a Reshape makes: 0 copies an axis, -1 (or the only unknown element) is what remains.</summary>
static class ReshapeSolver
{
    public static TensorShape Solve(ShapeContext c, TensorShape? input, SymbolicValue target, bool allowZero)
    {
        var dims = new Dim?[target.Count];
        for (var i = 0; i < dims.Length; i++)
        {
            var dim = target[i].Dim;
            if (dim == Dim.Zero && !allowZero)
                dim = input is null ? null : i < input.Rank ? input[i] : Missing(c, i, input);
            dims[i] = dim == Dim.Of(-1) ? null : dim;
        }
        var open = dims.Count(d => d is null);
        if (input is not null && open <= 1)
        {
            var (rest, divisor) = Cancel(input, dims, evenIfZero: open == 1);
            if (open == 1)
                dims[Array.IndexOf(dims, null)] = Dim.FloorDivide(rest, divisor);
            else
                c.Equate(rest, divisor, $"{input} cannot be reshaped, the numbers of elements differ");
        }
        return new TensorShape(dims.Select(c.Dimension));
    }

    static Dim? Missing(ShapeContext c, int axis, TensorShape input)
    {
        c.Complain($"Axis {axis} is to be copied from {input}, which has no such axis.");
        return null;
    }

    /// <summary>Both products of dimensions without those which are on both sides; such a one must not be 0 for an
    /// equation of the products to say something about the rest.</summary>
    static (Dim From, Dim To) Cancel(TensorShape input, Dim?[] dims, bool evenIfZero)
    {
        List<Dim> from = [.. input];
        var to = Dim.One;
        foreach (var dim in dims)
        {
            if (dim is not null && (!(evenIfZero || dim.LowerBound >= 1) || !from.Remove(dim)))
                to *= dim;
        }
        var rest = TensorShape.Product([.. from]);
        return (rest, to);
    }
}
