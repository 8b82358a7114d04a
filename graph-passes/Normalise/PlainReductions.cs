using OnnxEff.Ir;
using OnnxEff.Ops.Onnx;
using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses.Normalise;

/// <summary>
/// sum(x)/n ⇒ mean(x).
/// 1. A sum of floats along axes of known size, divided by their number of elements: ReduceMean.
/// 2. Unsqueeze(reduce(x)) of the axes that went: a reduction that keeps them.
/// </summary>
public sealed class PlainReductions : GraphPass
{
    const long AxesAreInputs = 18;

    static readonly HashSet<string> Reductions = ["ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin"];

    /// <inheritdoc/>
    public override string Name => "plain-reductions";

    /// <inheritdoc/>
    public override string Summary => "sum(x)/n ⇒ mean(x)";

    /// <inheritdoc/>
    public override Exactness Exactness => Exactness.Reassociates;

    /// <inheritdoc/>
    public override PassResult Run(PassContext context)
    {
        _ = context.Shapes;
        var applied = 0;
        foreach (var graph in context.Model.Graph.SelfAndSubgraphs().ToArray())
        {
            foreach (var node in graph.Nodes.Where(n => n.Domain.Length == 0 && Reductions.Contains(n.OpType)).ToArray())
                applied += (KeepAxes(node) ? 1 : 0) + (node.Is("ReduceSum") ? Average(node, context.Model.Opset) : 0);
        }
        if (applied > 0)
            context.Model.Graph.Sort();
        return new(applied);
    }

    static bool KeepAxes(Node node)
    {
        if (node.Int("keepdims", 1) != 0 || node.Result.IsOutput || node.Result.Uses is not [{ Node: var reader }] || !reader.Is("Unsqueeze")
            || Axes.Of(node) is not { Length: > 0 } axes || Axes.Of(reader) is not { } added || node.Input(0).Shape() is not { } shape
            || !Axes.AreSame(axes, added, shape.Rank))
        {
            return false;
        }
        node.SetAttribute("keepdims", 1);
        node.Result.Type = reader.Result.Type;
        Replacement.Put(reader.Result, node.Result);
        Replacement.RemoveIfUnused(reader);
        return true;
    }

    /// <summary>Replaces quotients of a sum by a mean.</summary>
    static int Average(Node sum, long opset)
    {
        if (!sum.Result.Element().IsFloat() || Axes.Of(sum) is not { Length: > 0 } axes || sum.Input(0).Shape() is not { } shape)
            return 0;
        var count = axes.Select(a => shape[(int)a].Constant).Aggregate((long?)1, (n, size) => n * size);
        if (count is not > 0)
            return 0;
        var quotients = sum.Result.Uses.Where(u => u.Node.Result.Shape() is { } result && result.Equals(sum.Result.Shape()) && IsQuotient(u, count.Value)).ToArray();
        if (quotients.Length == 0)
            return 0;
        var build = new GraphBuilder(sum.Graph, sum.Name.Length > 0 ? sum.Name : sum.Result.Name);
        var keeps = sum.Int("keepdims", 1);
        var mean = opset >= AxesAreInputs
            ? build.Op("ReduceMean", [sum.Input(0), build.Constant(Tensor.Vector<long>(axes))], sum.Result.Type, ("keepdims", keeps))
            : build.Op("ReduceMean", [sum.Input(0)], sum.Result.Type, ("axes", axes), ("keepdims", keeps));
        foreach (var use in quotients)
        {
            Replacement.Put(use.Node.Result, mean);
            Replacement.RemoveIfUnused(use.Node);
        }
        return quotients.Length;
    }

    static bool IsQuotient(Use use, long count) => use.Node.OpType switch
    {
        "Div" => use.Index == 0 && use.Node.Input(1)?.Constant?.ToScalar() == count,
        "Mul" => use.Node.Input(1 - use.Index)?.Constant is { Count: 1 } factor && factor.ToScalar() is { } f && Math.Abs((f * count) - 1) < 1e-6,
        _ => false,
    };
}
