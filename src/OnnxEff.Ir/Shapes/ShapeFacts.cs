namespace OnnxEff.Ir.Shapes;

/// <summary>A contradiction that was found in a graph, or an operator whose rule could not be applied.</summary>
/// <param name="Node">The node.</param>
/// <param name="Sentence">What is wrong.</param>
public sealed record ShapeDiagnostic(Node Node, string Sentence)
{
    /// <summary>The diagnostic in one line.</summary>
    public override string ToString() => $"Node '{Node.Name}' ({Node.OpType}): {Sentence}";
}

/// <summary>What <see cref="ShapeInference"/> found beside the types, which it writes into <see cref="Value.Type"/>.</summary>
public sealed class ShapeFacts
{
    readonly Dictionary<Value, SymbolicValue> _values;
    readonly Dictionary<string, Dim> _equalities;

    internal ShapeFacts(Dictionary<Value, SymbolicValue> values, Dictionary<string, Dim> equalities, IReadOnlyList<ShapeDiagnostic> diagnostics) =>
        (_values, _equalities, Diagnostics) = (values, equalities, diagnostics);

    /// <summary>Contradictions found. A graph that runs has none.</summary>
    public IReadOnlyList<ShapeDiagnostic> Diagnostics { get; }

    /// <summary>
    /// Symbols that turned out to be equal to something else, because an operator would fail otherwise: name to dimension.
    /// The types of all values are written without them.
    /// </summary>
    public IReadOnlyDictionary<string, Dim> Equalities => _equalities;

    /// <summary>The known elements of a small tensor, or null.</summary>
    public SymbolicValue? ValueOf(Value value) => _values.TryGetValue(value, out var known) ? known
        : value.Constant is { Count: <= SymbolicValue.MaxElements } constant ? SymbolicValue.Of(constant) : null;

    /// <summary>A dimension (such as one read from another model with the same symbols) without symbols that are known to
    /// equal something else.</summary>
    public Dim Resolve(Dim dim) => dim.Substitute(_equalities);
}
