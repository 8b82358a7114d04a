using OnnxEff.Ir;

namespace OnnxEff.Rewriting;

/// <summary>Puts planned nodes into a graph in place of values that it has. All of it happens, or (on a fault in the plan) none.</summary>
static class GraphPatch
{
    /// <summary>Replaces each root by the wire of the same index, and removes what nobody reads any more.</summary>
    /// <returns>The nodes added, and the values now in the places of the roots.</returns>
    public static (List<Node> Added, List<Value> Changed) Apply(PatchBuilder plan, IReadOnlyList<Value> roots, IReadOnlyList<Wire> results)
    {
        Check(plan, roots, results);
        var graph = roots[0].Graph;
        var root = roots[0].Producer!;
        var added = new List<Node>(plan.Nodes.Count);
        var constants = new Dictionary<Wire, Value>();
        foreach (var planned in plan.Nodes)
        {
            Value?[] inputs = [.. planned.Inputs.Select(w => w is null ? null : ValueOf(w))];
            var node = graph.AddNode(planned.OpType, planned.Domain, inputs, before: root);
            node.TrimInputs();
            foreach (var (name, value) in planned.Attributes)
                node.SetAttribute(name, value);
            for (var i = 0; i <= planned.Wires.Max(w => w.Output); i++)
            {
                var wire = planned.Wires.Find(w => w.Output == i);
                node.AddOutput(wire is null ? "" : graph.FreshName(Match.NameOf(root)), wire?.Type);
            }
            node.Name = root.Name.Length == 0 ? "" : graph.FreshName($"{root.Name}/{planned.OpType}");
            planned.Node = node;
            added.Add(node);
        }
        var changed = new List<Value>(roots.Count);
        for (var i = 0; i < roots.Count; i++)
        {
            // A wire that replaces two roots can take the name of one only.
            var isNew = results[i].Planned is not null && !results.Take(i).Contains(results[i]);
            changed.Add(Replacement.Put(roots[i], ValueOf(results[i]), isNew));
        }
        foreach (var node in roots.Select(r => r.Producer!).Concat(plan.Match.Nodes).ToArray())
            Replacement.RemoveIfUnused(node);
        return (added, changed);

        Value ValueOf(Wire wire)
        {
            if (wire.Existing is not null)
                return wire.Existing;
            if (wire.Planned is { } planned)
                return planned.Node!.Outputs[wire.Output];
            if (!constants.TryGetValue(wire, out var constant))
                constants.Add(wire, constant = graph.AddConstant(wire.Constant!, wire.Hint));
            return constant;
        }
    }

    static void Check(PatchBuilder plan, IReadOnlyList<Value> roots, IReadOnlyList<Wire> results)
    {
        if (results.Count != roots.Count)
            throw new InvalidOperationException($"The rule replaces {roots.Count} values by {results.Count}.");
        var known = new HashSet<PlannedNode>();
        foreach (var planned in plan.Nodes)
        {
            foreach (var wire in planned.Inputs)
                CheckWire(wire);
            known.Add(planned);
        }
        foreach (var wire in results)
            CheckWire(wire);

        void CheckWire(Wire? wire)
        {
            if (wire?.Planned is { } planned && !known.Contains(planned))
                throw new InvalidOperationException($"The {planned.OpType} belongs to another patch, or is used before it is planned.");
            if (wire?.Existing is { } value && roots.Any(r => ReferenceEquals(r, value)))
                throw new InvalidOperationException($"The patch reads '{value.Name}', which it replaces.");
        }
    }
}
