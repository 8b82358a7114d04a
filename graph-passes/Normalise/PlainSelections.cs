using OnnxEff.Ir;
using OnnxEff.Ops.Onnx;
using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses.Normalise;

/// <summary>
/// Split(x) ⇒ Slice(x, 0, 4), Slice(x, 4, 8).
/// 1. Split into parts of known size: a Slice for each part that is read.
/// 2. Gather of neighbours in order, along an axis of known size: Slice.
/// 3. Squeeze(Slice(x)) of one index: Gather of it.
/// 4. Slice by constants: ascending axes counted from the front, bounds counted from the front where the size is known and
///    without what takes all of an axis; steps only where one is not 1.
/// Left alone: what selects by computed numbers.
/// </summary>
public sealed class PlainSelections : GraphPass
{
    const long AxesAreInputs = 13; // Of Split and Squeeze; Slice takes them as inputs since 10.

    /// <inheritdoc/>
    public override string Name => "plain-selections";

    /// <inheritdoc/>
    public override string Summary => "Split(x) ⇒ Slice(x, 0, 4), Slice(x, 4, 8)";

    /// <inheritdoc/>
    public override PassResult Run(PassContext context)
    {
        if (context.Model.Opset < AxesAreInputs)
            return PassResult.Unchanged;
        _ = context.Shapes;
        var applied = 0;
        foreach (var graph in context.Model.Graph.SelfAndSubgraphs().ToArray())
        {
            foreach (var node in graph.Nodes.Where(n => n.Domain.Length == 0).ToArray())
            {
                var changed = node.OpType switch
                {
                    "Split" => SplitToSlices(node),
                    "Gather" => GatherToSlice(node),
                    "Squeeze" => SliceToGather(node),
                    "Slice" => SliceBounds.TryRead(node) is { } bounds && bounds.Rewrite(node),
                    _ => false,
                };
                applied += changed ? 1 : 0;
            }
        }
        if (applied > 0)
            context.Model.Graph.Sort();
        return new(applied, KeepsTypes: true);
    }

    static bool SplitToSlices(Node node)
    {
        if (node.Input(0) is not { } x || x.Shape() is not { } shape)
            return false;
        var axis = (int)Axes.Normalise([node.Int("axis")], shape.Rank)[0];
        var sizes = node.Outputs.Select(o => o.Shape()?[axis].Constant).ToArray();
        if (sizes.Any(s => s is not > 0))
            return false;
        var start = 0L;
        for (var i = 0; i < sizes.Length; i++)
        {
            var end = start + sizes[i]!.Value;
            if (node.Outputs[i] is { Name.Length: > 0 } part && (part.Uses.Count > 0 || part.IsOutput))
                Replacement.Put(part, new SliceBounds([axis], [start], [end], [1]).Build(x, part.Type!, NameOf(node)));
            start = end;
        }
        node.Graph.RemoveNode(node);
        return true;
    }

    static bool GatherToSlice(Node node)
    {
        if (node.Input(0) is not { Constant: null } x || x.Shape() is not { Rank: > 0 } shape || node.Input(1)?.Constant is not { Rank: 1, Count: > 0 } tensor
            || tensor.ToInt64() is not { } index || node.Result.Type is not { } type)
            return false;
        var axis = (int)Axes.Normalise([node.Int("axis")], shape.Rank)[0];
        if (shape[axis].Constant is not { } size)
            return false;
        var first = index[0] < 0 ? index[0] + size : index[0];
        for (var i = 0; i < index.Length; i++)
        {
            if ((index[i] < 0 ? index[i] + size : index[i]) != first + i)
                return false;
        }
        Replacement.Put(node.Result, new SliceBounds([axis], [first], [first + index.Length], [1]).Build(x, type, NameOf(node)), isNew: true);
        node.Graph.RemoveNode(node);
        return true;
    }

    static bool SliceToGather(Node node)
    {
        if (node.Input(0)?.Producer is not { } slice || !slice.Is("Slice") || SliceBounds.TryRead(slice) is not { } bounds
            || Axes.Of(node) is not [var given] || slice.Input(0) is not { } x || x.Shape() is not { } shape || node.Result.Type is not { } type)
            return false;
        var axis = Axes.Normalise([given], shape.Rank)[0];
        if (bounds.Axes is not [var sliced] || sliced != axis || bounds.Starts[0] < 0 || bounds.Ends[0] != bounds.Starts[0] + 1)
            return false;
        var build = new GraphBuilder(node.Graph, NameOf(node));
        Replacement.Put(node.Result, build.Op("Gather", [x, build.Constant(Tensor.Scalar(bounds.Starts[0]))], type, ("axis", axis)), isNew: true);
        Replacement.RemoveIfUnused(node);
        return true;
    }

    static string NameOf(Node node) => node.Name.Length > 0 ? node.Name : node.Outputs[0].Name;
}
