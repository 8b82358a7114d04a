using OnnxEff.Ir;
using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses.Normalise;

/// <summary>
/// f(constants) ⇒ constant.
/// 1. Nodes that depend on constants alone are cut out and computed by the runtime, all in one run; what the rest of the graph reads
///    of them becomes constants.
/// 2. Results are at most 64 KiB, or smaller than the largest tensor read and at most 1 MiB (a slice of a table). Larger ones, such as a
///    transposed or converted weight, are left to be computed: the file would hold them twice.
/// 3. Left alone: nodes with subgraphs, random ones, nodes of other domains than ONNX's, results of unknown shape, arithmetic in
///    bfloat16, for which the runtime has no kernels.
/// 4. Refused, with the runtime's reason: constants that it cannot compute.
/// </summary>
public sealed class FoldConstants : GraphPass
{
    /// <summary>What may be computed from a constant of this size is computed.</summary>
    internal const long SmallBytes = 64 << 10;

    const long SliceBytes = 1 << 20;

    static readonly string[] s_forEveryType = ["Cast", "Reshape", "Unsqueeze", "Squeeze", "Flatten", "Transpose"];

    /// <inheritdoc/>
    public override string Name => "fold-constants";

    /// <inheritdoc/>
    public override string Summary => "f(constants) ⇒ constant";

    /// <inheritdoc/>
    public override PassResult Run(PassContext context)
    {
        _ = context.Shapes; // Results are bounded by their inferred size.
        var graph = context.Model.Graph;
        graph.Sort();
        var foldable = new HashSet<Node>();
        foreach (var node in graph.Nodes)
        {
            if (IsFoldable(node, foldable))
                foldable.Add(node);
        }
        Value[] frontier = [.. foldable.SelectMany(n => n.Outputs).Where(o => o.Name.Length > 0
            && (o.IsOutput || o.Uses.Any(u => !foldable.Contains(u.Node))))];
        if (frontier.Length == 0)
            return PassResult.Unchanged;
        if (context.Evaluator is null)
        {
            context.Refuse(this, frontier[0].Producer!, $"{foldable.Count} nodes depend on constants alone, but no runtime is at hand to compute them");
            return PassResult.Unchanged;
        }
        var results = Compute(context, foldable, frontier);
        if (results is null)
            return PassResult.Unchanged;
        for (var i = 0; i < frontier.Length; i++)
            Replacement.Put(frontier[i], graph.AddConstant(results[i], frontier[i].Name));
        graph.RemoveDead();
        return new PassResult(foldable.Count);
    }

    static bool IsFoldable(Node node, HashSet<Node> foldable)
    {
        if (node.Domain.Length > 0 || node.Is("Constant") || node.Is("Identity") || OperatorFacts.IsImpure(node.Domain, node.OpType) || node.Subgraphs.Any())
            return false;
        if (!s_forEveryType.Contains(node.OpType) && node.Inputs.Concat(node.Outputs).Any(v => v?.Type?.Element == ElementType.BFloat16))
            return false;
        long largest = 0;
        foreach (var input in node.Inputs)
        {
            if (input is null)
                continue;
            if (input.Constant is { } tensor)
                largest = Math.Max(largest, tensor.Data.Length);
            else if (input.Producer is null || !foldable.Contains(input.Producer))
                return false;
        }
        return node.Outputs.All(o => o.Name.Length == 0 || IsSmall(o, largest));
    }

    static bool IsSmall(Value value, long largestInput)
    {
        if (value.Type is not { Shape: { } shape, Element: var element } || element.BitWidth() == 0 || shape.ToConstant() is not { } dims)
            return false;
        long bytes;
        try
        {
            bytes = element.ByteLength(Tensor.CountOf(dims));
        }
        catch (Exception e) when (e is ArgumentException or OverflowException)
        {
            return false;
        }
        return bytes <= SmallBytes || (bytes < largestInput && bytes <= SliceBytes);
    }

    IReadOnlyList<Tensor>? Compute(PassContext context, HashSet<Node> nodes, Value[] frontier)
    {
        var (whole, cut) = (context.Model, context.Model.EmptyAlike("constants"));
        var values = new Dictionary<Value, Value?>();
        foreach (var constant in nodes.SelectMany(n => n.Inputs).OfType<Value>().Where(v => v.Constant is not null).Distinct())
            values[constant] = cut.Graph.AddConstant(constant.Constant!, constant.Name);
        var copy = new GraphCopy(values);
        foreach (var node in whole.Graph.Nodes.Where(nodes.Contains))
            copy.Add(node, cut.Graph);
        cut.Graph.Outputs.AddRange(frontier.Select(v => copy.Of(v)!));
        try
        {
            using var evaluation = context.Evaluator!.Open(cut);
            return evaluation.Run(new Dictionary<string, Tensor>());
        }
        catch (InvalidOperationException e)
        {
            context.Refuse(this, frontier[0].Producer!, $"the runtime cannot compute the constants: {e.Message}");
            return null;
        }
    }
}
