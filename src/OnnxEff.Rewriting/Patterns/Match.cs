using System.Diagnostics.CodeAnalysis;
using OnnxEff.Ir;

namespace OnnxEff.Rewriting;

/// <summary>How far a pattern came where it did not match.</summary>
/// <param name="Depth">Number of nodes that had matched before.</param>
/// <param name="NodeName">The node (or value) at which it ended, as named in the file.</param>
/// <param name="Sentence">Why it ended there.</param>
public sealed record MatchFailure(int Depth, string NodeName, string Sentence);

/// <summary>What a pattern's captures stand for, and the nodes that it covers.</summary>
public sealed class Match
{
    // No pattern needs this many tries; what does is ambiguous in a way that no rule means.
    const int StepBudget = 20_000;

    readonly List<(object Key, object Value)> _bindings = [];
    readonly List<(Node Node, bool MayBeShared)> _nodes = [];
    int _steps;

    internal Match() { }

    /// <summary>The value of a capture.</summary>
    /// <exception cref="KeyNotFoundException">The pattern matched without this capture; ask <see cref="Has(Var)"/> first.</exception>
    public Value this[Var capture] => Find(capture) as Value
        ?? throw new KeyNotFoundException($"'{capture.Name}' took no part in this match.");

    /// <summary>The number that a constant scalar holds.</summary>
    public double this[Scalar capture] => this[(Var)capture].Constant!.ToScalar()!.Value;

    /// <summary>The value of a captured attribute.</summary>
    public T Get<T>(AttrVar<T> capture) where T : notnull => (T)(Find(capture)
        ?? throw new KeyNotFoundException($"Attribute '{capture.Name}' took no part in this match."));

    /// <summary>True if the capture took part: optional inputs and alternatives may leave one out.</summary>
    public bool Has(Var capture) => Find(capture) is not null;

    /// <summary>True if the attribute capture took part.</summary>
    public bool Has(AttrVar capture) => Find(capture) is not null;

    /// <summary>The value of a capture, if it took part.</summary>
    public bool TryGet(Var capture, [NotNullWhen(true)] out Value? value) => (value = Find(capture) as Value) is not null;

    /// <summary>The nodes covered, the last one of the computation first.</summary>
    public IEnumerable<Node> Nodes => _nodes.Select(n => n.Node);

    /// <summary>The values at which the patterns are rooted, in the rule's order; empty for a match outside of a rule.</summary>
    public IReadOnlyList<Value> Roots => RootValues;

    internal List<Value> RootValues { get; } = [];

    /// <summary>True if failures are recorded.</summary>
    internal bool Explains { get; init; }

    internal MatchFailure? Deepest { get; private set; }

    /// <summary>What is asked once nothing is left to match; false means to search on.</summary>
    internal Func<Match, bool>? Accepts { get; init; }

    internal bool Continue(Goal? goals)
    {
        if (goals is null)
            return Accepts is null || Accepts(this);
        if (++_steps > StepBudget)
            return Explains && Fails(null, "the pattern fits in too many ways");
        return goals.Solve(this);
    }

    internal (int Bindings, int Nodes) Mark() => (_bindings.Count, _nodes.Count);

    /// <summary>Takes bindings back; always false, so that a failing branch can end with it.</summary>
    internal bool Undo((int Bindings, int Nodes) mark)
    {
        _bindings.RemoveRange(mark.Bindings, _bindings.Count - mark.Bindings);
        _nodes.RemoveRange(mark.Nodes, _nodes.Count - mark.Nodes);
        return false;
    }

    internal void Bind(object key, object value) => _bindings.Add((key, value));

    internal bool BindAttribute(AttrVar capture, AttributeValue? attribute)
    {
        if (capture.Read(attribute) is not { } value)
            return false;
        if (Find(capture) is { } bound)
            return value is long[] list ? list.AsSpan().SequenceEqual((long[])bound) : value.Equals(bound);
        Bind(capture, value);
        return true;
    }

    internal object? Find(object key)
    {
        foreach (var (bound, value) in _bindings)
        {
            if (ReferenceEquals(bound, key))
                return value;
        }
        return null;
    }

    internal void AddNode(Node node, bool mayBeShared) => _nodes.Add((node, mayBeShared));

    /// <summary>Nodes whose outputs nobody outside of the match may read.</summary>
    internal IEnumerable<Node> InnerNodes => _nodes.Where(n => !n.MayBeShared).Select(n => n.Node);

    internal bool Covers(Node node) => _nodes.Exists(n => ReferenceEquals(n.Node, node));

    /// <summary>A match does not cross the border of a graph, where evaluation is conditional.</summary>
    internal bool IsInGraph(Node node) => _nodes.Count == 0 || ReferenceEquals(_nodes[0].Node.Graph, node.Graph);

    /// <summary>Notes a failure if it is the deepest so far; always false.</summary>
    internal bool Fails(Value? at, string sentence)
    {
        if (Deepest is null || _nodes.Count > Deepest.Depth)
        {
            var node = at?.Producer ?? (_nodes.Count > 0 ? _nodes[^1].Node : null);
            Deepest = new MatchFailure(_nodes.Count, node is null ? at?.Name ?? "" : NameOf(node), sentence);
        }
        return false;
    }

    /// <summary>The node's name in the file, or the name of its first named output.</summary>
    public static string NameOf(Node node) => node.Name.Length > 0 ? node.Name
        : node.Outputs.FirstOrDefault(o => o.Name.Length > 0)?.Name ?? node.OpType;

    internal static string Describe(Value? value) => value switch
    {
        null => "an input that is left out",
        { Producer: { } node } => node.Domain.Length == 0 ? node.OpType : $"{node.Domain}.{node.OpType}",
        { Constant: not null } => $"the constant '{value.Name}'",
        _ => $"the input '{value.Name}'",
    };
}
