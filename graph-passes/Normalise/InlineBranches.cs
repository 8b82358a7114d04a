using OnnxEff.Ir;
using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses.Normalise;

/// <summary>
/// If(true){a}{b} ⇒ a.
/// An <c>If</c> whose condition is a constant, or is known from shapes, is replaced by the nodes of its branch; also nested ones.
/// An <c>If</c> whose condition depends on an input is left alone.
/// </summary>
public sealed class InlineBranches : GraphPass
{
    /// <inheritdoc/>
    public override string Name => "inline-branches";

    /// <inheritdoc/>
    public override string Summary => "If(true){a}{b} ⇒ a";

    /// <inheritdoc/>
    public override PassResult Run(PassContext context)
    {
        var inlined = 0;
        if (!context.Model.Graph.SelfAndSubgraphs().Any(g => g.Nodes.Any(n => n.Is("If"))))
            return PassResult.Unchanged;
        var shapes = context.Shapes;
        for (var again = true; again;)
        {
            again = false;
            foreach (var graph in context.Model.Graph.SelfAndSubgraphs().ToArray())
            {
                foreach (var node in graph.Nodes.Where(n => n.Is("If")).ToArray())
                {
                    if (shapes.ValueOf(node.Inputs[0]!)?.ToInt64() is not [var condition]
                        || !node.TryGetAttribute<GraphAttribute>(condition != 0 ? "then_branch" : "else_branch", out var branch))
                    {
                        continue;
                    }
                    Inline(node, branch.Value);
                    (inlined, again) = (inlined + 1, true);
                }
            }
        }
        if (inlined > 0)
            context.Model.Graph.Sort();
        return new PassResult(inlined);
    }

    static void Inline(Node node, Graph branch)
    {
        var prefix = node.Name.Length == 0 ? node.Graph.FreshName("If") : node.Name;
        var copy = new GraphCopy([], prefix + "/");
        copy.Into(branch, node.Graph, before: node);
        for (var i = 0; i < node.Outputs.Count && i < branch.Outputs.Count; i++)
        {
            if (node.Outputs[i].Name.Length > 0)
                Replacement.Put(node.Outputs[i], copy.Of(branch.Outputs[i])!);
        }
        node.Graph.RemoveNode(node);
    }
}
