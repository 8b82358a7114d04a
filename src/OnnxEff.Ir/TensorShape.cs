using System.Collections;

namespace OnnxEff.Ir;

/// <summary>The dimensions of a tensor of known rank. Equal when all dimensions are.</summary>
public sealed class TensorShape : IReadOnlyList<Dim>, IEquatable<TensorShape>
{
    readonly Dim[] _dims;

    /// <summary>A shape with these dimensions.</summary>
    public TensorShape(params IEnumerable<Dim> dims) => _dims = [.. dims];

    /// <summary>The shape of a scalar.</summary>
    public static TensorShape Scalar { get; } = new();

    /// <summary>A shape of known dimensions.</summary>
    public static TensorShape Of(params IEnumerable<long> dims) => new(dims.Select(Dim.Of));

    /// <summary>Number of dimensions.</summary>
    public int Rank => _dims.Length;

    /// <summary>Number of dimensions; the name that patterns such as <c>[var batch, .., var last]</c> need.</summary>
    public int Count => _dims.Length;

    /// <summary>One dimension; a negative axis counts from the end.</summary>
    public Dim this[int axis] => _dims[axis < 0 ? axis + _dims.Length : axis];

    /// <summary>The number of elements.</summary>
    public Dim ElementCount => Product(_dims);

    /// <summary>The dimensions in a range of axes.</summary>
    public ReadOnlySpan<Dim> this[Range range] => _dims.AsSpan(range);

    /// <summary>The shape with each dimension replaced.</summary>
    public TensorShape Select(Func<Dim, Dim> change)
    {
        Dim[]? changed = null;
        for (var i = 0; i < _dims.Length; i++)
        {
            var dim = change(_dims[i]);
            if (!ReferenceEquals(dim, _dims[i]))
                (changed ??= [.. _dims])[i] = dim;
        }
        return changed is null ? this : new TensorShape(changed);
    }

    /// <summary>The product of dimensions; 1 if there are none.</summary>
    public static Dim Product(ReadOnlySpan<Dim> dims)
    {
        var product = Dim.One;
        foreach (var dim in dims)
            product *= dim;
        return product;
    }

    /// <summary>True if all dimensions are known.</summary>
    public bool IsConstant => Array.TrueForAll(_dims, d => d.IsConstant);

    /// <summary>The known dimensions, or null if one of them is symbolic.</summary>
    public long[]? ToConstant() => IsConstant ? Array.ConvertAll(_dims, d => d.Constant!.Value) : null;

    /// <inheritdoc/>
    public IEnumerator<Dim> GetEnumerator() => ((IEnumerable<Dim>)_dims).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <inheritdoc/>
    public bool Equals(TensorShape? other) => other is not null && _dims.AsSpan().SequenceEqual(other._dims);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as TensorShape);

    /// <inheritdoc/>
    public override int GetHashCode() => _dims.Aggregate(_dims.Length, (h, d) => HashCode.Combine(h, d));

    /// <summary>The shape as text: <c>[B, S, 64]</c>.</summary>
    public override string ToString() => $"[{string.Join(", ", _dims.Select(d => d.ToString()))}]";
}

/// <summary>Element type and, where known, shape of a tensor value.</summary>
/// <param name="Element">The element type, <see cref="ElementType.Undefined"/> if not known.</param>
/// <param name="Shape">The shape, null if not even the rank is known.</param>
public sealed record TensorType(ElementType Element, TensorShape? Shape = null)
{
    /// <summary>The type as text: <c>float32[B, S]</c>.</summary>
    public override string ToString() =>
#pragma warning disable CA1308 // The text form writes types in lower case.
        $"{Element.ToString().ToLowerInvariant()}{Shape?.ToString() ?? "[...]"}";
#pragma warning restore CA1308
}
