using OnnxEff.Ir;

namespace OnnxEff.Rewriting;

/// <summary>Edits that keep the promises of a graph: names of outputs, types, no dangling nodes.</summary>
public static class Replacement
{
    /// <summary>
    /// Lets all readers of a value read another one. A graph output keeps its name: the new value takes it over, or, if
    /// it cannot (it is an input, a constant, another output), is copied by an Identity of that name.
    /// </summary>
    /// <param name="old">The value replaced.</param>
    /// <param name="value">What is read from now on.</param>
    /// <param name="isNew">True if <paramref name="value"/> was made for this; it then takes the name, type and node name of <paramref name="old"/>.</param>
    /// <returns>The value now in the place of <paramref name="old"/>.</returns>
    public static Value Put(Value old, Value value, bool isNew = false)
    {
        if (ReferenceEquals(old, value))
            return value;
        if (isNew)
        {
            value.Type ??= old.Type;
            TakeNode(old, value);
        }
        var isOutput = old.IsOutput;
        if (isNew || (isOutput && CanTakeName(old, value)))
        {
            TakeName(old, value);
        }
        else if (isOutput)
        {
            var identity = old.Graph.AddNode("Identity", "", [value], before: old.Producer);
            value = identity.AddOutput(old.Graph.FreshName(old.Name), old.Type ?? value.Type);
            TakeNode(old, value);
            TakeName(old, value);
        }
        if (value.Type?.Shape is null && old.Type is { } type && (value.Type is null || value.Type.Element == type.Element))
            value.Type = type;
        old.ReplaceUsesWith(value);
        return value;
    }

    /// <summary>Removes a node if nobody reads its outputs, and then the producers of its inputs for which that becomes true.</summary>
    public static void RemoveIfUnused(Node node)
    {
        var work = new Stack<Node>([node]);
        while (work.TryPop(out var next))
        {
            if (!next.IsAlive || !IsUnused(next))
                continue;
            var producers = Graph.Reads(next).Select(v => v.Producer).OfType<Node>().Distinct().ToArray();
            next.Graph.RemoveNode(next);
            foreach (var producer in producers)
                work.Push(producer);
        }
    }

    /// <summary>True if no node reads an output of this one and none is an output of the graph.</summary>
    public static bool IsUnused(Node node)
    {
        foreach (var output in node.Outputs)
        {
            if (output.Uses.Count > 0 || output.IsOutput)
                return false;
        }
        return true;
    }

    /// <summary>
    /// Gives each subgraph whose output is a value of a surrounding graph an Identity of its own for it. Readers of a
    /// value are then always nodes of its <see cref="Value.Uses"/>, or outputs of its own graph.
    /// </summary>
    public static void LocaliseSubgraphOutputs(Graph graph)
    {
        foreach (var inner in graph.SelfAndSubgraphs().Skip(1).ToArray())
        {
            for (var i = 0; i < inner.Outputs.Count; i++)
            {
                var output = inner.Outputs[i];
                if (ReferenceEquals(output.Graph, inner))
                    continue;
                var identity = inner.AddNode("Identity", "", [output]);
                inner.Outputs[i] = identity.AddOutput(inner.FreshName(output.Name), output.Type);
            }
        }
    }

    static bool CanTakeName(Value old, Value value) => value.Producer is not null && !value.IsOutput && ReferenceEquals(value.Graph, old.Graph);

    static void TakeName(Value old, Value value)
    {
        var name = old.Name;
        old.Name = old.Graph.FreshName(name);
        value.Name = name;
        value.DocString = old.DocString;
        foreach (var (key, text) in old.Metadata)
            value.Metadata[key] = text;
    }

    static void TakeNode(Value old, Value value)
    {
        if (old.Producer is not { } from || value.Producer is not { } to)
            return;
        // Runtimes refuse two nodes of one name, so the old one gives its name away.
        to.Name = from.Name;
        if (from.Name.Length > 0)
            from.Name = from.Graph.FreshName(from.Name);
        to.DocString = from.DocString;
        foreach (var (key, text) in from.Metadata)
            to.Metadata[key] = text;
    }
}
