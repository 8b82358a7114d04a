using System.Collections.Frozen;
using OnnxEff.Ir;

namespace OnnxEff.Rewriting;

/// <summary>What applying rules did.</summary>
/// <param name="Applied">Number of rewrites.</param>
/// <param name="Refusals">Candidates that were found and left, the last state of each.</param>
/// <param name="KeepsTypes">True if every value that was made has a type with a shape.</param>
public sealed record RewriteSummary(int Applied, IReadOnlyList<Refusal> Refusals, bool KeepsTypes);

/// <summary>Rules, indexed by the operator at their root. Earlier rules are tried first.</summary>
public sealed class RuleSet
{
    readonly FrozenDictionary<string, RewriteRule[]> _byRoot; // By operator; rules for any operator are in each list.
    readonly RewriteRule[] _anyRoot;
    readonly int _depth;

    /// <summary>An index over rules.</summary>
    public RuleSet(params IEnumerable<RewriteRule> rules)
    {
        RewriteRule[] all = [.. rules];
        _anyRoot = [.. all.Where(r => r.RootOps is null)];
        _byRoot = all.SelectMany(r => r.RootOps ?? []).Select(o => o[(o.LastIndexOf('.') + 1)..]).Distinct()
            .ToFrozenDictionary(op => op, op => all.Where(r => r.RootOps?.Any(o => o.EndsWith($".{op}", StringComparison.Ordinal)) ?? true).ToArray());
        _depth = all.Select(r => r.Depth).DefaultIfEmpty().Max();
    }

    /// <summary>Applies the rules to a graph and its subgraphs until none applies any more.</summary>
    public RewriteSummary Apply(Graph graph, RewriteTrace? trace = null)
    {
        Replacement.LocaliseSubgraphOutputs(graph);
        var run = new Run(this, trace);
        foreach (var part in graph.SelfAndSubgraphs().ToArray())
            run.Rewrite(part);
        if (run.Applied > 0)
            graph.Sort();
        return new RewriteSummary(run.Applied, [.. run.Refusals.Values.Where(r => r.Root.IsAlive).Select(r => r.Refusal)], run.KeepsTypes);
    }

    /// <summary>Notes how far each rule comes at a value; changes nothing.</summary>
    internal void Try(Value root, RewriteTrace trace)
    {
        foreach (var rule in root.Producer is { } node ? RulesFor(node) : [])
            rule.Find(root, trace, out _);
    }

    RewriteRule[] RulesFor(Node node) => _byRoot.GetValueOrDefault(node.OpType, _anyRoot);

    sealed class Run(RuleSet rules, RewriteTrace? trace)
    {
        readonly Queue<Node> _queue = [];
        readonly HashSet<Node> _queued = [];

        public int Applied { get; private set; }

        public bool KeepsTypes { get; private set; } = true;

        public Dictionary<(RewriteRule, Node), (Node Root, Refusal Refusal)> Refusals { get; } = [];

        public void Rewrite(Graph graph)
        {
            foreach (var node in graph.Nodes)
                Enqueue(node);
            // Each rewrite should shrink or raise the graph; one that does neither for ever is a fault of a rule.
            var budget = Applied + (4 * graph.Nodes.Count) + 1000;
            var before = -1;
            while (before != Applied)
            {
                before = Applied;
                while (_queue.TryDequeue(out var node))
                {
                    _queued.Remove(node);
                    if (node.IsAlive)
                        Visit(node);
                    if (Applied > budget)
                        throw new InvalidOperationException($"The rules do not settle: {Applied} rewrites in a graph of {graph.Nodes.Count} nodes.");
                }
                // What was refused because of another user may be free now that others were rewritten.
                foreach (var (_, (root, _)) in Refusals.Where(r => r.Value.Root.IsAlive))
                    Enqueue(root);
            }
            _queue.Clear();
            _queued.Clear();
        }

        void Visit(Node node)
        {
            foreach (var rule in rules.RulesFor(node))
            {
                foreach (var output in node.Outputs)
                {
                    if (output.Name.Length > 0 && TryApply(rule, node, output))
                        return;
                }
            }
        }

        bool TryApply(RewriteRule rule, Node node, Value root)
        {
            var match = rule.Find(root, trace, out var refusal);
            if (refusal is not null)
                Refusals[(rule, node)] = (node, refusal);
            if (match is null)
                return false;
            Refusals.Remove((rule, node));
            trace?.Applied(rule, match);
            var (added, changed) = rule.Apply(match);
            added.ForEach(Enqueue);
            KeepsTypes &= added.TrueForAll(n => n.Outputs.All(o => o.Name.Length == 0 || o.Type?.Shape is not null));
            foreach (var value in changed)
                EnqueueDownstream(value, rules._depth);
            if (node.IsAlive)
                Enqueue(node);
            Applied++;
            return true;
        }

        void EnqueueDownstream(Value start, int depth)
        {
            var seen = new HashSet<Node>();
            for (var level = new List<Value> { start }; level.Count > 0 && depth >= 0; depth--)
            {
                Node[] readers = [.. level.SelectMany(v => v.Uses).Select(u => u.Node).Where(seen.Add)];
                Array.ForEach(readers, Enqueue);
                level = [.. readers.SelectMany(n => n.Outputs)];
            }
        }

        void Enqueue(Node node)
        {
            if (rules.RulesFor(node).Length > 0 && _queued.Add(node))
                _queue.Enqueue(node);
        }
    }
}
