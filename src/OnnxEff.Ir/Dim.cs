namespace OnnxEff.Ir;

/// <summary>
/// A dimension, or an element of a shape computation: a polynomial with integer coefficients over symbols, such as
/// <c>64</c>, <c>P + S</c> or <c>2*B*S</c>. What is no polynomial (a floor division, a minimum) is an opaque factor that
/// keeps its arguments, so that it still has a value once the symbols have one. Two dims are equal when their
/// polynomials are. A symbol is the size of something and never negative, unless it was made with another minimum.
/// </summary>
/// <remarks>Operations throw <see cref="OverflowException"/> when a coefficient leaves 64 bits or the polynomial grows
/// beyond what any exported graph needs: hostile files must not cost memory without bound.</remarks>
public sealed partial class Dim : IEquatable<Dim>
{
    const int MaxSize = 512; // Factors, those inside of opaque ones included.

    static readonly Dim[] s_small = MakeSmall();

    readonly long _constant;
    readonly Term[] _terms; // Non-constant terms in lexicographic order, no zero coefficients.
    readonly int _size;
    string? _text;
    int _hash;

    Dim(long constant, Term[] terms)
    {
        (_constant, _terms) = (constant, terms);
        foreach (var term in terms)
        {
            foreach (var factor in term.Factors)
                _size += factor.Size;
        }
        if (_size > MaxSize)
            throw new OverflowException("A dimension has become too complex to follow.");
    }

    /// <summary>The dimension 0.</summary>
    public static Dim Zero => Of(0);

    /// <summary>The dimension 1.</summary>
    public static Dim One => Of(1);

    /// <summary>A known dimension.</summary>
    public static Dim Of(long value) => (ulong)(value + 1) < (ulong)s_small.Length ? s_small[value + 1] : new(value, []);

    /// <summary>A dimension known by name only.</summary>
    /// <param name="name">The name; two symbols of one name are the same dimension.</param>
    /// <param name="minimum">A number which the value is never below; <see cref="long.MinValue"/> if there is none.</param>
    public static Dim Symbol(string name, long minimum = 0) =>
        OfFactor(new Factor(name, null, null, null, minimum == long.MinValue ? null : minimum, null));

    /// <summary>A known dimension.</summary>
    public static implicit operator Dim(long value) => Of(value);

    /// <summary>True if the value is known.</summary>
    public bool IsConstant => _terms.Length == 0;

    /// <summary>True if this is one plain symbol.</summary>
    public bool IsSymbol => _constant == 0 && _terms is [{ Coefficient: 1, Factors: [{ Function: null }] }];

    /// <summary>True if the dimension is a polynomial of symbols without opaque factors.</summary>
    public bool IsPolynomial => Array.TrueForAll(_terms, t => Array.TrueForAll(t.Factors, f => f.Function is null));

    /// <summary>The products whose sum this is, the constant as one without symbols; null if a factor is opaque.</summary>
    public IReadOnlyList<(long Coefficient, IReadOnlyList<string> Symbols)>? Terms => !IsPolynomial ? null :
        [.. _constant != 0 || _terms.Length == 0 ? [(_constant, (IReadOnlyList<string>)[])] : ((long, IReadOnlyList<string>)[])[],
            .. _terms.Select(t => (t.Coefficient, (IReadOnlyList<string>)Array.ConvertAll(t.Factors, f => f.Text)))];

    /// <summary>The known value, if there is one.</summary>
    public bool TryGetConstant(out long value)
    {
        value = _constant;
        return _terms.Length == 0;
    }

    /// <summary>The known value, or null.</summary>
    public long? Constant => _terms.Length == 0 ? _constant : null;

    /// <summary>Names of all symbols in this dimension, also those inside opaque factors.</summary>
    public IEnumerable<string> Symbols => _terms.SelectMany(t => t.Factors).SelectMany(f =>
        f.Function is null ? [f.Text] : f.Left!.Symbols.Concat(f.Right!.Symbols)).Distinct();

    /// <summary>Replaces symbols by dimensions; names that <paramref name="values"/> lacks stay. A key may also be the
    /// text of an opaque factor.</summary>
    public Dim Substitute(IReadOnlyDictionary<string, Dim> values)
    {
        if (_terms.Length == 0 || values.Count == 0)
            return this;
        var sum = Of(_constant);
        var changed = false;
        foreach (var term in _terms)
        {
            var product = Of(term.Coefficient);
            foreach (var factor in term.Factors)
            {
                var replaced = SubstituteFactor(factor, values);
                changed |= replaced is not null;
                product *= replaced ?? OfFactor(factor);
            }
            sum += product;
        }
        return changed ? sum : this;
    }

    /// <summary>The value when each symbol has the value given, or null if one is missing.</summary>
    public long? Evaluate(IReadOnlyDictionary<string, long> values) => _terms.Length == 0 ? _constant
        : Substitute(Symbols.Where(values.ContainsKey).ToDictionary(s => s, s => Of(values[s]))).Constant;

    /// <summary>
    /// Reads what <see cref="ToString"/> writes and the expressions that exporters write, such as
    /// <c>past_sequence_length + sequence_length</c> or <c>2*s0</c>. Text that is no expression is the name of a symbol.
    /// </summary>
    public static Dim Parse(string text) => DimParser.Parse(text) ?? Symbol(text);

    /// <summary>The number of products that are summed, the constant among them.</summary>
    internal int TermCount => _terms.Length + 1;

    /// <inheritdoc/>
    public bool Equals(Dim? other)
    {
        if (ReferenceEquals(this, other))
            return true;
        if (other is null || _constant != other._constant || _terms.Length != other._terms.Length || GetHashCode() != other.GetHashCode())
            return false;
        for (var i = 0; i < _terms.Length; i++)
        {
            if (_terms[i].Coefficient != other._terms[i].Coefficient || Compare(_terms[i].Factors, other._terms[i].Factors) != 0)
                return false;
        }
        return true;
    }

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Dim);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        if (_hash != 0)
            return _hash;
        var hash = new HashCode();
        hash.Add(_constant);
        foreach (var term in _terms)
        {
            hash.Add(term.Coefficient);
            foreach (var factor in term.Factors)
                hash.Add(factor.Hash);
        }
        var result = hash.ToHashCode();
        return _hash = result == 0 ? 1 : result;
    }

    /// <summary>Equality of polynomials.</summary>
    public static bool operator ==(Dim? a, Dim? b) => a is null ? b is null : a.Equals(b);

    /// <summary>Inequality of polynomials.</summary>
    public static bool operator !=(Dim? a, Dim? b) => !(a == b);

    /// <summary>The polynomial as text: <c>P + S</c>. <see cref="Parse"/> reads it back.</summary>
    public override string ToString() => _text ??= Print();

    static Dim? SubstituteFactor(Factor factor, IReadOnlyDictionary<string, Dim> values)
    {
        if (values.TryGetValue(factor.Text, out var value))
            return value._terms is [{ Coefficient: 1, Factors: [var same] }] && ReferenceEquals(same, factor) ? null : value;
        if (factor.Function is null)
            return null;
        var (left, right) = (factor.Left!.Substitute(values), factor.Right!.Substitute(values));
        if (ReferenceEquals(left, factor.Left) && ReferenceEquals(right, factor.Right))
            return null;
        var result = Apply(factor.Function, left, right);
        return result._terms is [{ Factors: [{ Function: not null } again] }] && again.Text != factor.Text
            && values.TryGetValue(again.Text, out var known) && result == OfFactor(again) ? known : result;
    }

    static Dim[] MakeSmall()
    {
        var small = new Dim[1026]; // -1 .. 1024
        for (var i = 0; i < small.Length; i++)
            small[i] = new Dim(i - 1, []);
        return small;
    }
}
