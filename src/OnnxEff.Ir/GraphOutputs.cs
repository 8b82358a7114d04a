using System.Collections.ObjectModel;

namespace OnnxEff.Ir;

/// <summary>The outputs of a graph in order. Each value of the graph knows how often it stands among them.</summary>
public sealed class GraphOutputs : Collection<Value>
{
    readonly Graph _graph;

    internal GraphOutputs(Graph graph) => _graph = graph;

    /// <summary>Adds several outputs at the end.</summary>
    public void AddRange(IEnumerable<Value> values)
    {
        foreach (var value in values)
            Add(value);
    }

    /// <inheritdoc/>
    protected override void InsertItem(int index, Value item)
    {
        base.InsertItem(index, item);
        Note(item, +1);
    }

    /// <inheritdoc/>
    protected override void SetItem(int index, Value item)
    {
        Note(this[index], -1);
        base.SetItem(index, item);
        Note(item, +1);
    }

    /// <inheritdoc/>
    protected override void RemoveItem(int index)
    {
        Note(this[index], -1);
        base.RemoveItem(index);
    }

    /// <inheritdoc/>
    protected override void ClearItems()
    {
        foreach (var value in this)
            Note(value, -1);
        base.ClearItems();
    }

    // A subgraph may hand out a value of a graph around it, of which that is no output.
    void Note(Value value, int change)
    {
        if (ReferenceEquals(value.Graph, _graph))
            value.TimesOutput += change;
    }
}
