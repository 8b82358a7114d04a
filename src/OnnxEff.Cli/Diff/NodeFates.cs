using OnnxEff.Ir;

namespace OnnxEff.Cli.Diff;

/// <summary>
/// Which nodes of a pair of sections are on both sides. In this order, each node at most once:
/// 1. It computes the same from the same.
/// 2. It is the same operator with the same weights.
/// 3. It is the same operator under the same name.
/// </summary>
static class NodeFates
{
    /// <summary>The nodes that are on both sides.</summary>
    public static HashSet<Node> Kept(SectionPair pair, Forms forms)
    {
        HashSet<Node> kept = [];
        if (pair is not { Before: { } before, After: { } after }) return kept;
        Match(node => $"{forms.Of(before, node)}", node => $"{forms.Of(after, node)}");
        Match(WithWeights, WithWeights);
        Match(node => $"{Operator(node)} {node.Name}", node => $"{Operator(node)} {node.Name}", node => node.Name.Length > 0);
        return kept;

        void Match(Func<Node, string?> ofBefore, Func<Node, string?> ofAfter, Func<Node, bool>? only = null)
        {
            bool IsOpen(Node node) => !node.Is("Constant") && !kept.Contains(node) && only?.Invoke(node) != false;
            var open = after.Nodes.Where(IsOpen).Where(node => ofAfter(node) is not null).GroupBy(node => ofAfter(node)!)
                .ToDictionary(group => group.Key, group => new Queue<Node>(group));
            foreach (var node in before.Nodes.Where(IsOpen).ToArray())
                if (ofBefore(node) is { } key && open.TryGetValue(key, out var partners) && partners.TryDequeue(out var partner)) kept.UnionWith([node, partner]);
        }

        string? WithWeights(Node node)
        {
            int[] weights = [.. node.Inputs.OfType<Value>().Where(input => input.Constant is { Rank: > 0, Count: > 1 } tensor && !tensor.Element.IsInteger())
                .Select(input => forms.Of(input.Constant!)).Order()];
            return weights.Length == 0 ? null : $"{Operator(node)} {string.Join(' ', weights)}";
        }
    }

    static string Operator(Node node) => $"{node.Domain}.{node.OpType}";
}
