namespace OnnxEff.Ir.Shapes;

/// <summary>Element-wise operators on small known tensors, with broadcasting.</summary>
static class ValueBroadcast
{
    /// <summary>Combines operands; null if one is not followed, the shapes do not fit or the result is too large.</summary>
    public static SymbolicValue? Combine(ReadOnlySpan<SymbolicValue?> operands, Func<SymbolicElement[], SymbolicElement> combine)
    {
        var rank = 0;
        foreach (var operand in operands)
        {
            if (operand is null)
                return null;
            rank = Math.Max(rank, operand.Shape.Rank);
        }
        var dims = new long[rank];
        Array.Fill(dims, 1);
        foreach (var operand in operands)
        {
            for (var i = 1; i <= operand!.Shape.Rank; i++)
            {
                var size = operand.Shape[-i].Constant!.Value;
                if (size == dims[^i] || size == 1)
                    continue;
                if (dims[^i] != 1 || size > SymbolicValue.MaxElements)
                    return null;
                dims[^i] = size;
            }
        }
        var count = Tensor.CountOf(dims);
        if (count > SymbolicValue.MaxElements)
            return null;
        var result = new SymbolicElement[count];
        var arguments = new SymbolicElement[operands.Length];
        for (var at = 0; at < result.Length; at++)
        {
            for (var k = 0; k < arguments.Length; k++)
                arguments[k] = operands[k]![IndexIn(operands[k]!.Shape, dims, at)];
            result[at] = combine(arguments);
        }
        return new SymbolicValue(TensorShape.Of(dims), result);
    }

    static int IndexIn(TensorShape shape, long[] dims, int at)
    {
        long index = 0, stride = 1;
        for (var i = 1; i <= dims.Length; i++)
        {
            var coordinate = at % (int)dims[^i];
            at /= (int)dims[^i];
            if (i > shape.Rank)
                break;
            var size = shape[-i].Constant!.Value;
            index += size == 1 ? 0 : coordinate * stride;
            stride *= size;
        }
        return (int)index;
    }
}
