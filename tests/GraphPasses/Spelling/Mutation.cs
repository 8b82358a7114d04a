using OnnxEff.Ir;

namespace OnnxEff.Tests.GraphPasses.Spelling;

/// <summary>Writes one place of a model differently. What the model computes stays the same.</summary>
public abstract class Mutation
{
    /// <summary>The name in messages.</summary>
    public string Name => GetType().Name;

    /// <summary>Rewrites a place at random; false if the model has none.</summary>
    public abstract bool TryApply(Manuscript m);

    /// <inheritdoc/>
    public override string ToString() => Name;
}

/// <summary>A mutation of nodes.</summary>
public abstract class NodeMutation : Mutation
{
    /// <inheritdoc/>
    public sealed override bool TryApply(Manuscript m)
    {
        foreach (var node in m.Shuffle(m.Graph.Nodes.Where(n => n.Domain.Length == 0)))
        {
            if (At(m, node) is not { } rewrite)
                continue;
            var place = node.ToString();
            rewrite();
            m.Note($"{Name} at {place}");
            return true;
        }
        return false;
    }

    /// <summary>What rewrites a node, or null if it is no place for this.</summary>
    protected abstract Action? At(Manuscript m, Node node);
}

/// <summary>A mutation that writes the result of a node in another way.</summary>
public abstract class ResultMutation : NodeMutation
{
    /// <inheritdoc/>
    protected sealed override Action? At(Manuscript m, Node node) =>
        Spell(m, node) is { } make ? () => Manuscript.Replace(node.Result, make()) : null;

    /// <summary>What makes the same value as a node's first output, or null if the node is no place for this.</summary>
    protected abstract Func<Value>? Spell(Manuscript m, Node node);
}

/// <summary>A mutation of what readers of a value read.</summary>
public abstract class ValueMutation : Mutation
{
    /// <inheritdoc/>
    public sealed override bool TryApply(Manuscript m)
    {
        foreach (var value in m.Shuffle(m.Graph.Values.Where(v => v.OtherType is null && m.ReadsInMain(v).Any())))
        {
            if (Wrapper(m, value) is not { } make)
                continue;
            var name = value.Name;
            m.Wrap(value, make);
            m.Note($"{Name} behind {name}");
            return true;
        }
        return false;
    }

    /// <summary>What makes an equal value of a value, or null if it is no place for this.</summary>
    protected abstract Func<Value, Value>? Wrapper(Manuscript m, Value value);
}
