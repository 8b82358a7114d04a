using OnnxEff.Ir;
using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses.Normalise;

/// <summary>Questions about nodes that the passes of this folder ask.</summary>
static class Facts
{
    /// <summary>The shape, or null.</summary>
    public static TensorShape? Shape(this Value? value) => value?.Type?.Shape;

    /// <summary>True if the first output has the known shape of input 0.</summary>
    public static bool KeepsShape(Node node) => node.Input(0).Shape() is { } shape && shape.Equals(node.Result.Shape());

    /// <summary>True if an operator only gives the elements of input 0 another shape.</summary>
    public static bool IsView(Node node) => node.Domain.Length == 0 && node.OpType is "Reshape" or "Squeeze" or "Unsqueeze" or "Flatten";

    /// <summary>The permutation of a Transpose; null if it is the default one of an unknown rank.</summary>
    public static long[]? Permutation(Node node) => node.Ints("perm")
        ?? (node.Input(0).Shape() is { } shape ? [.. Enumerable.Range(0, shape.Rank).Select(i => (long)(shape.Rank - 1 - i))] : null);

    /// <summary>True if every value of one type is exactly a value of the other.</summary>
    public static bool IsLossless(ElementType from, ElementType to) => from == to || (from, to) switch
    {
        (ElementType.Float16 or ElementType.BFloat16, ElementType.Float32 or ElementType.Float64) => true,
        (ElementType.Float32, ElementType.Float64) => true,
        (ElementType.Bool, ElementType.Int8 or ElementType.UInt8 or ElementType.Int32 or ElementType.Int64 or ElementType.Float32
            or ElementType.Float16 or ElementType.BFloat16 or ElementType.Float64) => true,
        (ElementType.Int8 or ElementType.Int16 or ElementType.UInt8 or ElementType.UInt16, ElementType.Int32 or ElementType.Int64
            or ElementType.Float32 or ElementType.Float64) => true,
        (ElementType.Int32 or ElementType.UInt32, ElementType.Int64 or ElementType.Float64) => true,
        _ => false,
    };

    /// <summary>The element type to which a Cast converts.</summary>
    public static ElementType CastTarget(Node node) => (ElementType)node.Int("to");

    /// <summary>The element type, as far as known.</summary>
    public static ElementType Element(this Value? value) => value?.Type?.Element ?? ElementType.Undefined;

    /// <summary>True if all elements of an optional input are this integer, or the input is left out.</summary>
    public static bool IsAbsentOrAll(Value? value, long number) =>
        value is null || value.Constant?.ToInt64()?.All(v => v == number) == true;

    /// <summary>Where a match captured a node's value: the node.</summary>
    public static Node NodeOf(this Match match, Var capture) => match[capture].Producer!;
}
