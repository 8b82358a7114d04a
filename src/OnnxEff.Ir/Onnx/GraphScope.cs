using System.Diagnostics.CodeAnalysis;

namespace OnnxEff.Ir.Onnx;

/// <summary>The names that can be read in a graph: its own, then those of the graphs around it.</summary>
internal sealed class GraphScope(GraphScope? outer)
{
    readonly Dictionary<string, Value> _values = [];

    /// <summary>Names a value; false if this graph has one of that name.</summary>
    public bool TryAdd(Value value) => _values.TryAdd(value.Name, value);

    /// <summary>A value of this very graph.</summary>
    public bool TryGetOwn(string name, [NotNullWhen(true)] out Value? value) => _values.TryGetValue(name, out value);

    /// <summary>A value of this graph or one around it.</summary>
    public Value? Find(string name)
    {
        for (var scope = this; scope is not null; scope = scope.Outer)
        {
            if (scope._values.TryGetValue(name, out var value))
                return value;
        }
        return null;
    }

    GraphScope? Outer { get; } = outer;
}
