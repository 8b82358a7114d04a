using OnnxEff.Ir;

namespace OnnxEff.Rewriting;

/// <summary>Captures any value. The same object twice in a pattern means the same value twice.</summary>
public class Var : Pattern
{
    /// <summary>A capture; the name is for readers of traces.</summary>
    public Var(string name) => Name = name;

    /// <summary>The name shown in traces.</summary>
    public string Name { get; }

    /// <summary>True if the capture may hold this value.</summary>
    private protected virtual bool Admits(Value value) => true;

    private protected virtual string Expectation => "a value";

    /// <summary>True if both are the same thing for this kind of capture.</summary>
    private protected virtual bool AreSame(Value a, Value b) => ReferenceEquals(a, b);

    internal override bool CouldMatch(Value? value) => value is not null && Admits(value);

    internal override IEnumerable<Var> NearCaptures => [this];

    internal override bool Solve(Match match, Value? value, Goal? rest)
    {
        if (value is null)
            return match.Explains && match.Fails(null, $"the input for '{Name}' is left out");
        if (!Admits(value))
            return match.Explains && match.Fails(value, $"'{Name}' must be {Expectation}");
        if (match.Find(this) is Value bound)
        {
            return AreSame(bound, value) ? match.Continue(rest)
                : match.Explains && match.Fails(value, $"'{Name}' is already '{bound.Name}', here it is '{value.Name}'");
        }
        var mark = match.Mark();
        match.Bind(this, value);
        return match.Continue(rest) || match.Undo(mark);
    }
}

/// <summary>Captures a constant tensor of any size.</summary>
public sealed class Const(string name) : Var(name)
{
    private protected override bool Admits(Value value) => value.Constant is not null;

    private protected override string Expectation => "a constant";
}

/// <summary>Captures a constant number: a constant tensor with one element.</summary>
public sealed class Scalar(string name) : Var(name)
{
    private protected override bool Admits(Value value) => value.Constant?.ToScalar() is not null;

    private protected override string Expectation => "a constant with one element";

    private protected override bool AreSame(Value a, Value b) =>
        ReferenceEquals(a, b) || a.Constant?.ToScalar() == b.Constant?.ToScalar();
}

/// <summary>Captures an attribute of a node, see <see cref="OpPattern.With(string, AttrVar)"/>.</summary>
public abstract class AttrVar
{
    private protected AttrVar(string name) => Name = name;

    /// <summary>The name shown in traces.</summary>
    public string Name { get; }

    /// <summary>The attribute as this capture's type; null if it is of another type.</summary>
    internal abstract object? Read(AttributeValue? attribute);
}

/// <summary>Captures an attribute of type <see cref="long"/>, <see cref="float"/>, <see cref="string"/> or <c>long[]</c>.</summary>
/// <param name="name">The name shown in traces.</param>
/// <param name="absent">The value where the node does not have the attribute.</param>
public sealed class AttrVar<T>(string name, T absent) : AttrVar(name) where T : notnull
{
    internal override object? Read(AttributeValue? attribute) => attribute switch
    {
        null => absent,
        IntAttribute { Value: T value } => value,
        FloatAttribute { Value: T value } => value,
        StringAttribute { Text: T value } => value,
        IntsAttribute { Values: T value } => value,
        _ => null,
    };
}
