using OnnxEff.Ir;

namespace OnnxEff.Rewriting;

/// <summary>An operator call: operator, inputs, and conditions on attributes.</summary>
public sealed class OpPattern : Pattern
{
    readonly record struct Condition(Func<Node, bool> Holds, string Because);

    readonly record struct AttributeCapture(string Name, AttrVar Capture);

    readonly string _opType;
    readonly Pattern[] _inputs;
    readonly bool _isCommutative;
    string _domain = "";
    Condition[] _conditions = [];
    AttributeCapture[] _captures = [];
    int _output;
    bool _allowsMore;
    object? _identity; // Shared by all outputs of one call: they must match one node.

    internal OpPattern(string opType, Pattern[] inputs)
    {
        (_opType, _inputs) = (opType, inputs);
        _isCommutative = inputs.Length == 2 && OperatorFacts.IsCommutative("", opType);
    }

    OpPattern Change(Action<OpPattern> change)
    {
        var copy = (OpPattern)MemberwiseClone();
        change(copy);
        return copy;
    }

    /// <summary>The call of an operator of another domain.</summary>
    public OpPattern In(string domain) => Change(p => p._domain = domain);

    /// <summary>Requires an attribute to have a value.</summary>
    /// <param name="name">The attribute.</param>
    /// <param name="value">The value it must have.</param>
    /// <param name="absent">What the operator takes if the attribute is absent; null if it must be present.</param>
    public OpPattern With(string name, AttributeValue value, AttributeValue? absent = null) =>
        When(n => AttributeFacts.AreEqual(n.Attributes.GetValueOrDefault(name) ?? absent, value),
            $"attribute '{name}' has another value");

    /// <summary>Captures an attribute.</summary>
    public OpPattern With(string name, AttrVar capture) =>
        Change(p => p._captures = [.. p._captures, new AttributeCapture(name, capture)]);

    /// <summary>Adds a condition on the node itself.</summary>
    /// <param name="holds">The condition.</param>
    /// <param name="because">The sentence shown where it does not hold.</param>
    public OpPattern When(Func<Node, bool> holds, string because) =>
        Change(p => p._conditions = [.. p._conditions, new Condition(holds, because)]);

    /// <summary>Another output than the first. All outputs taken from one pattern object match one node.</summary>
    public OpPattern Output(int index)
    {
        _identity ??= new object();
        return Change(p => p._output = index);
    }

    /// <summary>Lets the node have inputs behind those of the pattern.</summary>
    public OpPattern AllowMoreInputs() => Change(p => p._allowsMore = true);

    internal override IEnumerable<string>? RootOps => [$"{_domain}.{_opType}"];

    internal override int Depth => 1 + _inputs.Select(i => i.Depth).DefaultIfEmpty().Max();

    internal override IEnumerable<Var> NearCaptures => _inputs.OfType<Var>().Concat(_inputs.SelectMany(i => i.NearCaptures)).Distinct();

    /// <summary>The operator and the producers of its operands, without attributes and captures.</summary>
    internal override bool CouldMatch(Value? value)
    {
        if (value?.Producer is not { } node || node.OpType != _opType || node.Domain != _domain || value.OutputIndex != _output
            || !HasInputCount(node))
        {
            return false;
        }
        return OperandsCouldMatch(node, swapped: false) || (_isCommutative && OperandsCouldMatch(node, swapped: true));
    }

    bool OperandsCouldMatch(Node node, bool swapped)
    {
        for (var i = 0; i < _inputs.Length; i++)
        {
            // One level only: operators below are looked at when their turn comes.
            if (_inputs[i] is OpPattern op ? !op.IsCallOf(node.Input(swapped ? 1 - i : i)) : !_inputs[i].CouldMatch(node.Input(swapped ? 1 - i : i)))
                return false;
        }
        return true;
    }

    bool IsCallOf(Value? value) => value?.Producer is { } node && node.OpType == _opType && node.Domain == _domain;

    bool HasInputCount(Node node)
    {
        for (var i = _allowsMore ? node.Inputs.Count : _inputs.Length; i < node.Inputs.Count; i++)
        {
            if (node.Inputs[i] is not null)
                return false;
        }
        return true;
    }

    internal override bool Solve(Match match, Value? value, Goal? rest)
    {
        if (!IsCallOf(value))
            return match.Explains && match.Fails(value, $"{Describe()} is expected here, not {Match.Describe(value)}");
        var node = value!.Producer!;
        if (!match.IsInGraph(node))
            return match.Explains && match.Fails(value, "the value comes from a surrounding graph");
        if (value.OutputIndex != _output || (_identity is not null && match.Find(_identity) is { } other && !ReferenceEquals(other, node)))
            return match.Explains && match.Fails(value, $"output {_output} of the same {Describe()} is expected here");
        if (!HasInputCount(node))
            return match.Explains && match.Fails(value, $"the {_opType} has more than {_inputs.Length} inputs");
        foreach (var condition in _conditions)
        {
            if (!condition.Holds(node))
                return match.Explains && match.Fails(value, condition.Because);
        }
        var mark = match.Mark();
        match.AddNode(node, mayBeShared: false);
        if (_identity is not null)
            match.Bind(_identity, node);
        foreach (var (name, capture) in _captures)
        {
            if (!match.BindAttribute(capture, node.Attributes.GetValueOrDefault(name)))
            {
                _ = match.Explains && match.Fails(value, $"attribute '{name}' has another value or type");
                return match.Undo(mark);
            }
        }
        return SolveOperands(match, node, swapped: false, rest)
            || (_isCommutative && SolveOperands(match, node, swapped: true, rest))
            || match.Undo(mark);
    }

    bool SolveOperands(Match match, Node node, bool swapped, Goal? rest)
    {
        if (!match.Explains && !OperandsCouldMatch(node, swapped))
            return false;
        // Operands that say most come first: a bare capture fits nearly everything.
        var goals = rest;
        for (var i = _inputs.Length - 1; i >= 0; i--)
        {
            if (_inputs[i] is Var)
                goals = new Goal(_inputs[i], node.Input(swapped ? 1 - i : i), goals);
        }
        for (var i = _inputs.Length - 1; i >= 0; i--)
        {
            if (_inputs[i] is not Var)
                goals = new Goal(_inputs[i], node.Input(swapped ? 1 - i : i), goals);
        }
        return match.Continue(goals);
    }

    string Describe() => _domain.Length == 0 ? _opType : $"{_domain}.{_opType}";
}
