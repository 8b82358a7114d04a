using OnnxEff.GraphPasses.Normalise;
using OnnxEff.Ir;
using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses.Lower;

/// <summary>
/// Slice(x, 0, 4), Slice(x, 4, 8) ⇒ Split(x).
/// Parts along one axis that stand side by side and make up the whole are one node again.
/// Left alone: parts that overlap or leave something out, and graphs in which the sizes of a Split are an attribute.
/// </summary>
public sealed class JoinSlices : GraphPass
{
    const long SizesAreInput = 13;

    /// <inheritdoc/>
    public override string Name => "join-slices";

    /// <inheritdoc/>
    public override string Summary => "Slice(x, 0, 4), Slice(x, 4, 8) ⇒ Split(x)";

    /// <inheritdoc/>
    public override PassResult Run(PassContext context)
    {
        if (context.Model.Opset < SizesAreInput)
            return PassResult.Unchanged;
        _ = context.Shapes;
        var joined = 0;
        foreach (var graph in context.Model.Graph.SelfAndSubgraphs().ToArray())
        {
            var parts = graph.Nodes.Where(n => n.Is("Slice") && n.Input(0)!.Graph == graph).Select(n => (Node: n, Bounds: SliceBounds.TryRead(n)))
                .Where(p => p.Bounds is { Axes.Length: 1, Steps: [1] }).ToLookup(p => (p.Node.Input(0)!, p.Bounds!.Axes[0]));
            foreach (var whole in parts)
                joined += Join(whole.Key.Item2, [.. whole.OrderBy(p => p.Bounds!.Starts[0])]) ? 1 : 0;
        }
        if (joined > 0)
            context.Model.Graph.Sort();
        return new(joined, KeepsTypes: true);
    }

    static bool Join(long axis, (Node Node, SliceBounds? Bounds)[] parts)
    {
        var x = parts[0].Node.Input(0)!; // Of a part of a part, the Split that came before.
        var end = 0L;
        foreach (var (_, bounds) in parts)
        {
            if (bounds!.Starts[0] != end)
                return false;
            end = bounds.Ends[0];
        }
        if (parts.Length < 2 || x.Shape()![(int)axis].Constant != end)
            return false;
        var build = new GraphBuilder(x.Graph, parts[0].Node.Name.Length > 0 ? parts[0].Node.Name : parts[0].Node.Result.Name);
        var sizes = build.Constant(Tensor.Vector<long>([.. parts.Select(p => p.Bounds!.Ends[0] - p.Bounds.Starts[0])]));
        var split = build.Node("Split", "", [x, sizes], [("axis", axis)]);
        foreach (var (node, _) in parts)
            Replacement.Put(node.Result, build.Output(split, "part", node.Result.Type));
        foreach (var (node, _) in parts)
            Replacement.RemoveIfUnused(node);
        return true;
    }
}
