using OnnxEff.Ir;

namespace OnnxEff.Rewriting;

/// <summary>Guards that many rules share.</summary>
public static class Guards
{
    /// <summary>Both values have one known and equal shape.</summary>
    public static Guard SameShape(Var a, Var b) => new(
        m => m[a].Type?.Shape is { } shape && shape.Equals(m[b].Type?.Shape),
        $"{a.Name} and {b.Name} must have the same shape");

    /// <summary>Both values have one known and equal element type.</summary>
    public static Guard SameElementType(Var a, Var b) => new(
        m => ElementOf(m[a]) is not ElementType.Undefined and var element && element == ElementOf(m[b]),
        $"{a.Name} and {b.Name} must have the same element type");

    /// <summary>The constant is one vector along the last axis: all dimensions before it are 1.</summary>
    public static Guard IsRow(Var constant) => new(
        m => m[constant].Constant is { Rank: >= 1 } tensor && tensor.Count == tensor.Dims[^1],
        $"{constant.Name} must be a vector along the last axis");

    /// <summary>The value spans the last axis of another one: both last dimensions are known and equal.</summary>
    public static Guard SpansLastAxis(Var vector, Var of) => new(
        m => LastDim(m[vector]) is { } dim && dim == LastDim(m[of]),
        $"{vector.Name} must span the normalised axis");

    /// <summary>The last dimension, or null if the shape is not known or has rank 0.</summary>
    public static Dim? LastDim(Value value) => value.Type?.Shape is { Rank: > 0 } shape ? shape[-1] : null;

    /// <summary>The element type, as far as known.</summary>
    public static ElementType ElementOf(Value value) => value.Type?.Element ?? ElementType.Undefined;
}
