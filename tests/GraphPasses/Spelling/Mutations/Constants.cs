using OnnxEff.Ir;

namespace OnnxEff.Tests.GraphPasses.Spelling.Mutations;

/// <summary>A mutation of small constants.</summary>
public abstract class ConstantMutation : Mutation
{
    // What is computed from larger constants is left to be computed, since the file would hold it twice.
    const long MostBytes = 64 << 10;

    public sealed override bool TryApply(Manuscript m)
    {
        foreach (var value in m.Shuffle(m.Graph.Initializers))
        {
            if (value.Constant is not { Count: > 0, Data.Length: <= MostBytes } tensor || !Numbers.Has(tensor.Element) || value.IsOutput
                || !m.ReadsInMain(value).Any() || Make(m, value, tensor) is not { } make)
                continue;
            var name = value.Name;
            m.Wrap(value, _ => make());
            m.Note($"{Name} for {name}");
            return true;
        }
        return false;
    }

    /// <summary>What makes the constant, or null.</summary>
    protected abstract Func<Value>? Make(Manuscript m, Value value, Tensor tensor);
}

/// <summary>An initializer ⇒ a Constant node.</summary>
public sealed class ConstantAsNode : ConstantMutation
{
    protected override Func<Value> Make(Manuscript m, Value value, Tensor tensor) => () => m.Op("Constant", [], tensor switch
    {
        { Rank: 0, Element: ElementType.Int64 } when m.Flip() => ("value_int", tensor.As<long>()[0]),
        { Rank: 1, Element: ElementType.Int64 } when m.Flip() => ("value_ints", tensor.ToInt64()!),
        { Rank: 0, Element: ElementType.Float32 } when m.Flip() => ("value_float", tensor.As<float>()[0]),
        { Rank: 1, Element: ElementType.Float32 } when m.Flip() => ("value_floats", new FloatsAttribute(tensor.As<float>().ToArray())),
        _ => ("value", tensor),
    });
}

/// <summary>A few integers ⇒ sums and joins of dimensions of a weight.</summary>
public sealed class ConstantFromShapes : ConstantMutation
{
    protected override Func<Value>? Make(Manuscript m, Value value, Tensor tensor)
    {
        if (tensor.Rank > 1 || tensor.Count > 8 || tensor.Element != ElementType.Int64)
            return null;
        var weights = m.Shuffle(m.Graph.Initializers.Where(i => i.Constant is { Rank: > 0 }));
        return weights.Length == 0 ? null : () =>
        {
            Value?[] parts = [.. tensor.ToInt64()!.Select(n => (Value?)Element(m, weights[m.Random.Next(weights.Length)], n))];
            return tensor.Rank == 0 ? m.Squeeze(parts[0]!, 0) : m.Op("Concat", parts, ("axis", 0L));
        };
    }

    static Value Element(Manuscript m, Value weight, long number)
    {
        var axis = m.Random.Next(weight.Constant!.Rank);
        var extent = m.Extent(weight, axis);
        var dim = weight.Constant.Dims[axis];
        if (number > 0 && dim % number == 0 && m.Flip())
            return m.Op("Div", [extent, m.Ints(dim / number)]);
        return number is > 1 << 30 or < -(1 << 30) ? m.Ints(number) : m.Op("Add", [extent, m.Ints(number - dim)]);
    }
}

/// <summary>Equal numbers ⇒ ConstantOfShape, or one of them expanded.</summary>
public sealed class ConstantOfEqual : ConstantMutation
{
    protected override Func<Value>? Make(Manuscript m, Value value, Tensor tensor)
    {
        if (tensor.ToDouble() is not { } numbers || numbers.Any(n => !n.Equals(numbers[0])))
            return null;
        long[] dims = [.. tensor.Dims];
        return m.OneOf<Func<Value>>(
            () => m.Op("ConstantOfShape", [m.Ints(dims)], ("value", Numbers.Of(tensor.Element, [1], [numbers[0]]))),
            () => m.Op("Expand", [m.Number(numbers[0], tensor.Element), m.Ints(dims)]),
            () => m.Op("Tile", [m.Const(Numbers.Of(tensor.Element, [.. dims.Select(_ => 1L)], [numbers[0]])), m.Ints(dims)]));
    }
}

/// <summary>A constant ⇒ the same elements of another shape, reshaped.</summary>
public sealed class ConstantReshaped : ConstantMutation
{
    protected override Func<Value> Make(Manuscript m, Value value, Tensor tensor)
    {
        long[] dims = [.. tensor.Dims];
        return () => m.Op("Reshape", [m.Const(tensor.Reshape(m.Flip() ? [tensor.Count] : [1, .. dims, 1])), m.Ints(dims)]);
    }
}

/// <summary>A matrix ⇒ the transposition of its transpose, as tied embeddings are stored.</summary>
public sealed class ConstantTransposed : ConstantMutation
{
    protected override Func<Value>? Make(Manuscript m, Value value, Tensor tensor) => tensor.Rank != 2 ? null
        : () => m.Flip() ? m.Transpose(m.Const(tensor.Transposed()), 1, 0) : m.Op("Transpose", [m.Const(tensor.Transposed())]);
}

/// <summary>A constant ⇒ a cast of what a wider type says.</summary>
public sealed class ConstantCast : ConstantMutation
{
    protected override Func<Value>? Make(Manuscript m, Value value, Tensor tensor)
    {
        var (wide, fits) = tensor.Element switch
        {
            ElementType.Float32 => (ElementType.Float64, true),
            ElementType.Float16 => (ElementType.Float32, true),
            ElementType.Int64 => (ElementType.Int32, tensor.ToInt64()!.All(n => n == (int)n)),
            ElementType.Int32 => (ElementType.Int64, true),
            ElementType.Bool => (ElementType.Int64, true),
            _ => (tensor.Element, false),
        };
        return fits ? () => m.Op("Cast", [m.Const(Numbers.Of(wide, tensor.Dims, tensor.ToDouble()!))], ("to", (long)tensor.Element)) : null;
    }
}

/// <summary>A number ⇒ arithmetic that gives its very bits.</summary>
public sealed class ConstantFromArithmetic : ConstantMutation
{
    protected override Func<Value>? Make(Manuscript m, Value value, Tensor tensor)
    {
        if (tensor.Element != ElementType.Float32 || tensor.ToDouble()!.Any(n => !double.IsFinite(n) || Math.Abs(n) > 1e30))
            return null;
        return m.OneOf<Func<Value>>(
            () => m.Op("Mul", [m.Const(tensor.Select(n => 2 * n)), m.Number(0.5, tensor.Element)]),
            () => m.Op("Neg", [m.Const(tensor.Select(n => -n))]),
            () => m.Op("Div", [m.Const(tensor.Select(n => 4 * n)), m.Number(4, tensor.Element)]));
    }
}

/// <summary>A vector ⇒ the join of its parts, or a part of a longer one.</summary>
public sealed class ConstantInParts : ConstantMutation
{
    protected override Func<Value>? Make(Manuscript m, Value value, Tensor tensor)
    {
        if (tensor.Rank != 1 || tensor.Count < 2)
            return null;
        var numbers = tensor.ToDouble()!;
        var middle = 1 + m.Random.Next(numbers.Length - 1);
        Value Part(double[] part) => m.Const(Numbers.Of(tensor.Element, [part.Length], part));
        return m.Flip()
            ? () => m.Op("Concat", [Part(numbers[..middle]), Part(numbers[middle..])], ("axis", 0L))
            : () => m.Slice(Part([.. numbers, 1, 0]), 0, 0, numbers.Length);
    }
}
