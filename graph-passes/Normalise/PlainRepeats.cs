using OnnxEff.Ir;
using OnnxEff.Ops.Onnx;
using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses.Normalise;

/// <summary>
/// Gather(x, [0, 0, 1, 1]) ⇒ Reshape(Expand(Unsqueeze(x))): heads repeated for their group of queries.
/// 1. Gather of each index n times in order; Concat of each Slice n times in order.
/// 2. Tile along one axis of size 1, Concat of n times the same value along an axis of size 1: Expand.
/// 3. Transpose that keeps the last axis, of what was repeated: the repetition of what is transposed. Any other Transpose of what is
///    repeated: the Transpose of the repetition, so that it stands before its product.
/// Left alone: copies in another order; axes of a size that is not known, or whose target cannot be written as a constant.
/// </summary>
public sealed class PlainRepeats : GraphPass
{
    const long AxesAreInputs = 13;

    /// <inheritdoc/>
    public override string Name => "plain-repeats";

    /// <inheritdoc/>
    public override string Summary => "Gather(x, [0, 0, 1, 1]) ⇒ Reshape(Expand(Unsqueeze(x)))";

    /// <inheritdoc/>
    public override PassResult Run(PassContext context)
    {
        if (context.Model.Opset < AxesAreInputs)
            return PassResult.Unchanged;
        _ = context.Shapes;
        var applied = 0;
        foreach (var graph in context.Model.Graph.SelfAndSubgraphs().ToArray())
        {
            foreach (var node in graph.Nodes.Where(n => n.Domain.Length == 0 && n.OpType is "Gather" or "Concat" or "Tile" or "Transpose" or "Reshape").ToArray())
            {
                if (!node.IsAlive || !Numbers(node.Result))
                    continue;
                var value = node.OpType switch
                {
                    "Gather" => OfGather(node),
                    "Concat" => OfConcat(node),
                    "Tile" => OfTile(node),
                    "Transpose" => OfTranspose(node),
                    _ => OfTransposed(node),
                };
                if (value is null)
                    continue;
                Replacement.Put(node.Result, value, isNew: true);
                Replacement.RemoveIfUnused(node);
                applied++;
            }
        }
        if (applied > 0)
            context.Model.Graph.Sort();
        return new(applied, KeepsTypes: true);
    }

    // Integers compute shapes and positions, which are evaluated.
    static bool Numbers(Value value) => value.Element().IsFloat();

    static Value? OfGather(Node node)
    {
        if (node.Input(0) is not { Constant: null } x || x.Shape() is not { Rank: > 0 } shape || node.Input(1)?.Constant is not { Rank: 1 } index)
            return null;
        var axis = (int)Axes.Normalise([node.Int("axis")], shape.Rank)[0];
        return Copies(index.ToInt64(), shape[axis].Constant) is { } copies ? Repeat(node, x, axis, copies) : null;
    }

    static Value? OfConcat(Node node)
    {
        if (node.Inputs.Count < 2 || node.Result.Shape() is not { Rank: > 0 } shape)
            return null;
        var axis = (int)Axes.Normalise([node.Int("axis")], shape.Rank)[0];
        var first = node.Input(0)!;
        if (node.Inputs.All(i => i == first) && first.Shape()?[axis] == Dim.One && first.Constant is null)
            return Expand(new(node.Graph, NameOf(node)), first, axis, node.Inputs.Count);
        var index = new long[node.Inputs.Count];
        Value? whole = null;
        for (var i = 0; i < index.Length; i++)
        {
            if (node.Input(i)!.Producer is not { OpType: "Slice", Domain: "" } slice
                || SliceBounds.TryRead(slice) is not { Axes: [var sliced], Steps: [1] } bounds || sliced != axis
                || bounds.Ends[0] != bounds.Starts[0] + 1 || bounds.Starts[0] < 0 || (whole ??= slice.Input(0)) != slice.Input(0))
                return null;
            index[i] = bounds.Starts[0];
        }
        return whole?.Shape()?[axis].Constant is { } size && Copies(index, size) is { } copies ? Repeat(node, whole, axis, copies) : null;
    }

    static Value? OfTile(Node node)
    {
        if (node.Input(0) is not { Constant: null } x || x.Shape() is not { } shape || node.Input(1)?.Constant?.ToInt64() is not { } repeats || repeats.Length != shape.Rank)
            return null;
        int[] repeated = [.. Enumerable.Range(0, repeats.Length).Where(i => repeats[i] != 1)];
        return repeated is [var axis] && shape[axis] == Dim.One ? Expand(new(node.Graph, NameOf(node)), x, axis, repeats[axis]) : null;
    }

    /// <summary>Transpose(repeat(x, axis)) ⇒ repeat(Transpose(x), axis moved).</summary>
    static Value? OfTranspose(Node node)
    {
        if (Facts.Permutation(node) is not { } perm || !KeepsLast(perm)
            || node.Input(0)?.Producer is not { OpType: "Reshape", Domain: "" } joined || joined.Result is not { Uses.Count: 1, IsOutput: false }
            || RepeatedAxis.Of(joined.Result) is not { } repeat || repeat.X.Shape() is not { } shape || shape.Rank != perm.Length)
            return null;
        var type = repeat.X.Type! with { Shape = new TensorShape(perm.Select(p => shape[(int)p])) };
        var transposed = new GraphBuilder(node.Graph, NameOf(node)).Op("Transpose", [repeat.X], type, ("perm", perm));
        return Repeat(node, transposed, Array.IndexOf(perm, repeat.Axis), repeat.Copies);
    }

    /// <summary>repeat(Transpose(x), axis) ⇒ Transpose(repeat(x, axis moved)).</summary>
    static Value? OfTransposed(Node node)
    {
        return RepeatedAxis.Of(node.Result) is { } repeat && LateTranspose(repeat.X) is not null ? Repeat(node, repeat.X, repeat.Axis, repeat.Copies) : null;
    }

    /// <summary>The permutation that made a value, if it moves the last axis.</summary>
    static long[]? LateTranspose(Value value) => value.Producer is { } node && node.Is("Transpose") && Facts.Permutation(node) is { } perm && !KeepsLast(perm) ? perm : null;

    static bool KeepsLast(long[] perm) => perm[^1] == perm.Length - 1;

    /// <summary>n if the indices are 0 n times, 1 n times, and so on to the end of the axis; not for n of 1.</summary>
    static long? Copies(long[]? index, long? size)
    {
        if (index is null || size is not > 0 || index.Length % size != 0 || index.Length == size)
            return null;
        var copies = index.Length / size.Value;
        for (var i = 0; i < index.Length; i++)
        {
            if ((index[i] < 0 ? index[i] + size : index[i]) != i / copies)
                return null;
        }
        return copies;
    }

    static Value? Repeat(Node node, Value x, int axis, long copies)
    {
        if (x.Type is not { Shape: { } shape } type || shape[axis].Constant is not { } size)
            return null;
        var build = new GraphBuilder(node.Graph, NameOf(node));
        if (LateTranspose(x) is { } perm)
        {
            return Repeat(node, x.Producer!.Input(0)!, (int)perm[axis], copies) is not { } before ? null
                : build.Op("Transpose", [before], node.Result.Type, ("perm", perm));
        }
        TensorShape apart = new([.. shape.Take(axis + 1), Dim.One, .. shape.Skip(axis + 1)]), many = new([.. shape.Take(axis + 1), Dim.Of(copies), .. shape.Skip(axis + 1)]);
        TensorShape joined = new(shape.Select((d, i) => i == axis ? Dim.Of(size * copies) : d));
        if (ConstantTargets.ReshapeTarget(many, joined) is not { } target)
            return null;
        var inserted = build.Op("Unsqueeze", [x, build.Constant(Tensor.Vector((long)axis + 1))], type with { Shape = apart });
        return build.Op("Reshape", [Expand(build, inserted, axis + 1, copies), build.Constant(Tensor.Vector<long>(target))], type with { Shape = joined });
    }

    static Value Expand(GraphBuilder build, Value x, int axis, long copies)
    {
        var shape = x.Type!.Shape!;
        long[] target = [.. Enumerable.Range(0, shape.Rank).Select(i => i == axis ? copies : 1)];
        return build.Op("Expand", [x, build.Constant(Tensor.Vector<long>(target))],
            x.Type with { Shape = new TensorShape(shape.Select((d, i) => i == axis ? Dim.Of(copies) : d)) });
    }

    static string NameOf(Node node) => node.Name.Length > 0 ? node.Name : node.Result.Name;
}
