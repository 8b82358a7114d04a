using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace OnnxEff.Ir;

/// <summary>
/// A dimension, or an element of a shape computation: a polynomial with integer coefficients over symbols, such as
/// <c>64</c>, <c>P + S</c> or <c>2*B*S</c>. What is no polynomial (a floor division, a minimum) is an opaque factor that
/// keeps its arguments, so that it still has a value once the symbols have one. Two dims are equal when their
/// polynomials are.
/// </summary>
public sealed class Dim : IEquatable<Dim>
{
    /// <summary>One product of factors with its coefficient; factors are sorted by text.</summary>
    readonly record struct Term(long Coefficient, Factor[] Factors, string Key);

    /// <summary>A symbol, or a call of a function which is no polynomial.</summary>
    sealed record Factor(string Text, string? Function, Dim? Left, Dim? Right);

    readonly Term[] _terms; // Sorted by key, no zero coefficients; empty is zero.
    readonly string _text;

    Dim(IEnumerable<Term> terms)
    {
        _terms = [.. terms.Where(t => t.Coefficient != 0).OrderBy(t => t.Key, StringComparer.Ordinal)];
        _text = Print(_terms);
    }

    /// <summary>The dimension 0.</summary>
    public static Dim Zero { get; } = new([]);

    /// <summary>The dimension 1.</summary>
    public static Dim One { get; } = Of(1);

    /// <summary>A known dimension.</summary>
    public static Dim Of(long value) => new([new Term(value, [], "")]);

    /// <summary>A dimension known by name only.</summary>
    public static Dim Symbol(string name) => OfFactor(new Factor(name, null, null, null));

    /// <summary>A known dimension.</summary>
    public static implicit operator Dim(long value) => Of(value);

    /// <summary>True if the value is known.</summary>
    public bool IsConstant => _terms.Length == 0 || (_terms.Length == 1 && _terms[0].Factors.Length == 0);

    /// <summary>True if this is one plain symbol.</summary>
    public bool IsSymbol => _terms is [{ Coefficient: 1, Factors: [{ Function: null }] }];

    /// <summary>The known value, if there is one.</summary>
    public bool TryGetConstant(out long value)
    {
        value = _terms.Length == 0 ? 0 : _terms[0].Coefficient;
        return IsConstant;
    }

    /// <summary>The known value, or null.</summary>
    public long? Constant => TryGetConstant(out var value) ? value : null;

    /// <summary>Names of all symbols in this dimension, also those inside opaque factors.</summary>
    public IEnumerable<string> Symbols => _terms.SelectMany(t => t.Factors).SelectMany(f =>
        f.Function is null ? [f.Text] : f.Left!.Symbols.Concat(f.Right!.Symbols)).Distinct();

    /// <summary>The sum.</summary>
    public static Dim operator +(Dim a, Dim b) => new(Collect(a._terms.Concat(b._terms)));

    /// <summary>The difference.</summary>
    public static Dim operator -(Dim a, Dim b) => a + (b * Of(-1));

    /// <summary>The product.</summary>
    public static Dim operator *(Dim a, Dim b) => new(Collect(
        from x in a._terms
        from y in b._terms
        select MakeTerm(checked(x.Coefficient * y.Coefficient), x.Factors.Concat(y.Factors))));

    /// <summary>The quotient if it is exact for all values of the symbols, else the opaque <c>floor(a / b)</c>.</summary>
    public static Dim FloorDivide(Dim a, Dim b)
    {
        if (TryDivideExactly(a, b, out var exact))
            return exact;
        if (a.TryGetConstant(out var x) && b.TryGetConstant(out var y) && y != 0)
            return Of((long)Math.Floor((decimal)x / y));
        return Call("floor", a, b);
    }

    /// <summary>The smaller of both.</summary>
    public static Dim Min(Dim a, Dim b) => Extremum("min", a, b);

    /// <summary>The larger of both.</summary>
    public static Dim Max(Dim a, Dim b) => Extremum("max", a, b);

    /// <summary>The remainder with the sign of <paramref name="b"/>.</summary>
    public static Dim Modulo(Dim a, Dim b) => TryDivideExactly(a, b, out _) ? Zero
        : a.TryGetConstant(out var x) && b.TryGetConstant(out var y) && y != 0 ? Of(((x % y) + y) % y)
        : Call("mod", a, b);

    /// <summary>Divides if <paramref name="b"/> is one term which divides each term of <paramref name="a"/>.</summary>
    public static bool TryDivideExactly(Dim a, Dim b, [NotNullWhen(true)] out Dim? quotient)
    {
        quotient = null;
        if (b._terms.Length != 1)
        {
            if (b._terms.Length > 1 && a.Equals(b))
                quotient = One;
            return quotient is not null;
        }
        var divisor = b._terms[0];
        var terms = new List<Term>();
        foreach (var term in a._terms)
        {
            var rest = term.Factors.ToList();
            if (term.Coefficient % divisor.Coefficient != 0 || !divisor.Factors.All(rest.Remove))
                return false;
            terms.Add(MakeTerm(term.Coefficient / divisor.Coefficient, rest));
        }
        quotient = new Dim(Collect(terms));
        return true;
    }

    /// <summary>Replaces symbols by dimensions; names that <paramref name="values"/> lacks stay.</summary>
    public Dim Substitute(IReadOnlyDictionary<string, Dim> values)
    {
        if (IsConstant)
            return this;
        var sum = Zero;
        foreach (var term in _terms)
        {
            var product = Of(term.Coefficient);
            foreach (var factor in term.Factors)
                product *= SubstituteFactor(factor, values);
            sum += product;
        }
        return sum;
    }

    /// <summary>The value when each symbol has the value given, or null if one is missing.</summary>
    public long? Evaluate(IReadOnlyDictionary<string, long> values) =>
        Substitute(Symbols.Where(values.ContainsKey).ToDictionary(s => s, s => Of(values[s]))).Constant;

    /// <summary>Reads an arithmetic expression, such as <see cref="ToString"/> writes; any other text is one symbol.</summary>
    public static Dim Parse(string text) => Text.DimParser.TryParse(text, out var dim) ? dim : Symbol(text);

    /// <summary>The number of products that are summed.</summary>
    internal int TermCount => _terms.Length;

    /// <inheritdoc/>
    public bool Equals(Dim? other) => other is not null && _text == other._text;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Dim);

    /// <inheritdoc/>
    public override int GetHashCode() => _text.GetHashCode(StringComparison.Ordinal);

    /// <summary>Equality of polynomials.</summary>
    public static bool operator ==(Dim? a, Dim? b) => a is null ? b is null : a.Equals(b);

    /// <summary>Inequality of polynomials.</summary>
    public static bool operator !=(Dim? a, Dim? b) => !(a == b);

    /// <summary>The polynomial as text: <c>P + S</c>.</summary>
    public override string ToString() => _text;

    static Dim SubstituteFactor(Factor factor, IReadOnlyDictionary<string, Dim> values) => factor.Function switch
    {
        null => values.TryGetValue(factor.Text, out var value) ? value : OfFactor(factor),
        "floor" => FloorDivide(factor.Left!.Substitute(values), factor.Right!.Substitute(values)),
        "mod" => Modulo(factor.Left!.Substitute(values), factor.Right!.Substitute(values)),
        var extremum => Extremum(extremum, factor.Left!.Substitute(values), factor.Right!.Substitute(values)),
    };

    static Dim Extremum(string function, Dim a, Dim b) => (a - b).TryGetConstant(out var difference)
        ? (difference < 0) == (function == "min") ? a : b
        : string.CompareOrdinal(a._text, b._text) <= 0 ? Call(function, a, b) : Call(function, b, a);

    static Dim Call(string function, Dim a, Dim b) =>
        OfFactor(new Factor($"{function}({a}, {b})", function, a, b));

    static Dim OfFactor(Factor factor) => new([MakeTerm(1, [factor])]);

    static Term MakeTerm(long coefficient, IEnumerable<Factor> factors)
    {
        Factor[] sorted = [.. factors.OrderBy(f => f.Text, StringComparer.Ordinal)];
        return new Term(coefficient, sorted, string.Join('*', sorted.Select(f => f.Text)));
    }

    static IEnumerable<Term> Collect(IEnumerable<Term> terms) => terms.GroupBy(t => t.Key)
        .Select(g => g.First() with { Coefficient = g.Aggregate(0L, (sum, t) => checked(sum + t.Coefficient)) });

    static string Print(Term[] terms) => terms.Length == 0 ? "0" : string.Join(" + ", Enumerable.Reverse(terms).Select(t =>
        t.Factors.Length == 0 ? t.Coefficient.ToString(CultureInfo.InvariantCulture)
        : t.Coefficient == 1 ? t.Key
        : string.Create(CultureInfo.InvariantCulture, $"{t.Coefficient}*{t.Key}")));
}
