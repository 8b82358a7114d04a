using System.Diagnostics.CodeAnalysis;
using OnnxEff.Ir;

namespace OnnxEff.Rewriting;

/// <summary>
/// The shape of a computation that ends in one value. Patterns are immutable and written like the computation itself:
/// <c>Gamma * (X / Sqrt(ReduceMean(X * X, axes: [-1]) + Eps))</c>. They are compared by identity, so that two captures
/// of the same name stay two captures.
/// </summary>
public abstract class Pattern
{
    /// <summary>Any value, not captured.</summary>
    public static Pattern Any { get; } = new AnyPattern();

    /// <summary>An operator call. Both operand orders match where the operator is commutative.</summary>
    /// <param name="opType">The operator, of the standard domain unless <see cref="OpPattern.In"/> says otherwise.</param>
    /// <param name="inputs">One pattern for each input slot; see <see cref="Optional"/> for slots that may be empty.</param>
    public static OpPattern Op(string opType, params Pattern[] inputs) => new(opType, inputs);

    /// <summary>The sum, in either operand order.</summary>
    public static Pattern operator +(Pattern a, Pattern b) => Op("Add", a, b);

    /// <summary>The difference.</summary>
    public static Pattern operator -(Pattern a, Pattern b) => Op("Sub", a, b);

    /// <summary>The product, in either operand order.</summary>
    public static Pattern operator *(Pattern a, Pattern b) => Op("Mul", a, b);

    /// <summary>The quotient.</summary>
    public static Pattern operator /(Pattern a, Pattern b) => Op("Div", a, b);

    /// <summary>Either of both; the left one is tried first.</summary>
    public static Pattern operator |(Pattern a, Pattern b) => new OrPattern(a, b);

    /// <summary>A constant with exactly one element of this value, after rounding to the constant's element type.</summary>
    public static implicit operator Pattern(double value) => new NumberPattern(value);

    /// <summary>
    /// This pattern, or this pattern below any chain of the named standard operators, which are taken as transparent
    /// along input 0. The longest chain is tried first.
    /// </summary>
    public Pattern Maybe(params string[] transparentOps) => new MaybePattern(this, transparentOps);

    /// <summary>This pattern in an input slot which the node may also leave out.</summary>
    public Pattern Optional() => new OptionalPattern(this);

    /// <summary>This pattern, whose value is captured too.</summary>
    public Pattern As(Var capture) => new CapturedPattern(this, capture);

    /// <summary>Matches the computation that ends in <paramref name="value"/>, looking at structure only: other users are ignored.</summary>
    public bool TryMatch(Value value, [NotNullWhen(true)] out Match? match)
    {
        match = new Match();
        if (CouldMatch(value) && Solve(match, value, null))
            return true;
        match = null;
        return false;
    }

    /// <summary>Matches, and says how far it came if it does not.</summary>
    public bool TryMatch(Value value, [NotNullWhen(true)] out Match? match, out MatchFailure? failure)
    {
        match = new Match { Explains = true };
        failure = null;
        if (Solve(match, value, null))
            return true;
        failure = match.Deepest;
        match = null;
        return false;
    }

    /// <summary>Matches this pattern at a value, then all goals behind it; undoes its bindings if either fails.</summary>
    internal abstract bool Solve(Match match, Value? value, Goal? rest);

    /// <summary>A cheap look at the value alone; false only if <see cref="Solve"/> would fail.</summary>
    internal virtual bool CouldMatch(Value? value) => value is not null;

    /// <summary>Operators (as <c>domain.op</c>) of which one makes the value; null if any value can match.</summary>
    internal virtual IEnumerable<string>? RootOps => null;

    /// <summary>The longest chain of operators in this pattern.</summary>
    internal virtual int Depth => 0;

    /// <summary>Captures directly in this pattern or in its operands, by which a second root is found.</summary>
    internal virtual IEnumerable<Var> NearCaptures => [];
}

/// <summary>Something left to match: a pattern at a value, and what comes after it.</summary>
sealed class Goal(Pattern pattern, Value? value, Goal? rest)
{
    public bool Solve(Match match) => pattern.Solve(match, value, rest);
}
