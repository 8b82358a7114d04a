namespace OnnxEff.Ir.Shapes;

/// <summary>What is known about symbols: their minimum and what they are equal to.</summary>
sealed class SymbolTable
{
    readonly Dictionary<string, Dim> _known = []; // Equalities, and symbols with their minimum under their own name.
    readonly Dictionary<string, int> _rank = [];
    readonly HashSet<string> _solved = [];

    /// <summary>True if an equality was learned in this round.</summary>
    public bool HasLearned { get; private set; }

    public void StartRound() => HasLearned = false;

    /// <summary>Notes the symbols of a graph input.</summary>
    public void Declare(Value input)
    {
        if (input.Type?.Shape is not { } shape)
            return;
        var hasTokens = shape.Rank is 1 or 2 && (input.Type.Element.IsInteger() || input.Type.Element == ElementType.Bool);
        foreach (var dim in shape)
        {
            foreach (var name in dim.Symbols)
            {
                if (_rank.TryAdd(name, _rank.Count) && IsAnonymous(dim))
                    continue;
                if (hasTokens && dim.IsSymbol && !IsAnonymous(dim))
                    _known.TryAdd(name, Dim.Symbol(name, minimum: 1));
            }
        }
    }

    public Dim Resolve(Dim dim) => dim.Substitute(_known);

    public void Equate(Dim a, Dim b)
    {
        if (!Dim.TrySolve(Resolve(a), Resolve(b), name => _rank.GetValueOrDefault(name, int.MaxValue), out var factor, out var value))
            return;
        var single = new Dictionary<string, Dim> { [factor] = value };
        foreach (var name in _known.Keys.ToArray())
            _known[name] = _known[name].Substitute(single);
        _known[factor] = value;
        _solved.Add(factor);
        HasLearned = true;
    }

    public Dictionary<string, Dim> Equalities() => _solved.ToDictionary(name => name, name => _known[name]);

    /// <summary>True for a dimension of which a file says nothing.</summary>
    public static bool IsAnonymous(Dim dim) => dim.IsSymbol && dim.ToString() is "" or "?";
}
