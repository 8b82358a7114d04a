using OnnxEff.Ir;

namespace OnnxEff.GraphPasses.Normalise;

/// <summary>A value in which each part of <paramref name="X"/> along an axis stands several times in a row.</summary>
/// <param name="X">What is repeated.</param>
/// <param name="Axis">The axis.</param>
/// <param name="Copies">How often each part stands there.</param>
readonly record struct RepeatedAxis(Value X, int Axis, long Copies)
{
    /// <summary>Reads Reshape(Expand(Unsqueeze(x))): a new axis behind the one that is repeated, widened, and joined with it.</summary>
    public static RepeatedAxis? Of(Value value)
    {
        if (Before(value, "Reshape") is not { } expanded || Before(expanded, "Expand", "Tile") is not { } apart || Before(apart, "Unsqueeze", "Reshape") is not { } x)
            return null;
        if (x.Shape() is not { } from || apart.Shape() is not { } one || expanded.Shape() is not { } many || value.Shape() is not { } joined
            || one.Rank != from.Rank + 1 || many.Rank != one.Rank || joined.Rank != from.Rank)
            return null;
        for (var axis = 0; axis < from.Rank; axis++)
        {
            if (many[axis + 1].Constant is { } copies && Enumerable.Range(0, one.Rank).All(i => one[i] == (i <= axis ? from[i] : i == axis + 1 ? Dim.One : from[i - 1])
                && (i == axis + 1 || many[i] == one[i])) && Enumerable.Range(0, from.Rank).All(i => joined[i] == (i == axis ? from[i] * copies : from[i])))
                return new(x, axis, copies);
        }
        return null;
    }

    static Value? Before(Value value, params ReadOnlySpan<string> ops) =>
        value.Producer is { Domain: "" } node && ops.Contains(node.OpType) ? node.Input(0) : null;
}
