using System.Diagnostics.CodeAnalysis;

namespace OnnxEff.Ir;

public sealed partial class Dim
{
    /// <summary>The sum.</summary>
    public static Dim operator +(Dim a, Dim b)
    {
        var constant = checked(a._constant + b._constant);
        if (a._terms.Length == 0 && b._terms.Length == 0)
            return Of(constant);
        if (a._terms.Length == 0)
            return a._constant == 0 ? b : new(constant, b._terms);
        if (b._terms.Length == 0)
            return b._constant == 0 ? a : new(constant, a._terms);
        var sum = new List<Term>(a._terms.Length + b._terms.Length);
        int i = 0, j = 0;
        while (i < a._terms.Length || j < b._terms.Length)
        {
            var order = i == a._terms.Length ? 1 : j == b._terms.Length ? -1 : Compare(a._terms[i].Factors, b._terms[j].Factors);
            if (order < 0)
                sum.Add(a._terms[i++]);
            else if (order > 0)
                sum.Add(b._terms[j++]);
            else
            {
                var coefficient = checked(a._terms[i].Coefficient + b._terms[j].Coefficient);
                if (coefficient != 0)
                    sum.Add(new Term(coefficient, a._terms[i].Factors));
                i++;
                j++;
            }
        }
        return sum.Count == 0 ? Of(constant) : new(constant, [.. sum]);
    }

    /// <summary>The difference.</summary>
    public static Dim operator -(Dim a, Dim b) => ReferenceEquals(a, b) ? Zero : a + Scale(b, -1);

    /// <summary>The negative.</summary>
    public static Dim operator -(Dim a) => Scale(a, -1);

    /// <summary>The product.</summary>
    public static Dim operator *(Dim a, Dim b)
    {
        if (a._terms.Length == 0)
            return Scale(b, a._constant);
        if (b._terms.Length == 0)
            return Scale(a, b._constant);
        if ((long)a._size * b._size > MaxSize * MaxSize)
            throw new OverflowException("A dimension has become too complex to follow.");
        var sum = Scale(a, b._constant);
        foreach (var term in b._terms)
            sum += MultiplyByTerm(a, term);
        return sum;
    }

    /// <summary>The quotient if it is exact for all values of the symbols, else the opaque <c>floor(a / b)</c>.</summary>
    public static Dim FloorDivide(Dim a, Dim b)
    {
        if (TryDivideExactly(a, b, out var exact))
            return exact;
        if (a._terms.Length == 0 && b._terms.Length == 0 && b._constant != 0 && b._constant != -1)
            return Of((a._constant / b._constant) - (a._constant % b._constant != 0 && (a._constant < 0) != (b._constant < 0) ? 1 : 0));
        return Call("floor", a, b);
    }

    /// <summary>The quotient rounded up.</summary>
    public static Dim CeilingDivide(Dim a, Dim b) => TryDivideExactly(a, b, out var exact) ? exact : -FloorDivide(-a, b);

    /// <summary>The smaller of both.</summary>
    public static Dim Min(Dim a, Dim b) => IsAtLeast(b, a) ? a : IsAtLeast(a, b) ? b : SymmetricCall("min", a, b);

    /// <summary>The larger of both.</summary>
    public static Dim Max(Dim a, Dim b) => IsAtLeast(a, b) ? a : IsAtLeast(b, a) ? b : SymmetricCall("max", a, b);

    /// <summary>
    /// The common size of two axes that are broadcast: <paramref name="b"/> if <paramref name="a"/> is 1, else
    /// <paramref name="a"/>. Where neither is known to be 1 or to differ from 1, the result is the opaque
    /// <c>broadcast(a, b)</c>, the same for both orders because a legal pair is equal or has a 1.
    /// </summary>
    public static Dim Broadcast(Dim a, Dim b)
    {
        if (a.Equals(b) || b.Constant == 1)
            return a;
        if (a.Constant == 1)
            return b;
        if (a.IsNeverOne)
            return a;
        return b.IsNeverOne ? b : SymmetricCall("broadcast", a, b);
    }

    /// <summary>
    /// True if operands that are broadcast along these axes can only be equal: neither can be 1, or one is
    /// <c>min(x, other)</c> with x at least 2, which is 1 only where the other is.
    /// </summary>
    public static bool MustBeEqualToBroadcast(Dim a, Dim b) =>
        (a.IsNeverOne && b.IsNeverOne) || IsCapOf(a, b) || IsCapOf(b, a);

    static bool IsCapOf(Dim a, Dim b) => a is { _constant: 0, _terms: [{ Coefficient: 1, Factors: [{ Function: "min" } cap] }] }
        && ((cap.Right!.Equals(b) && cap.Left!.LowerBound >= 2) || (cap.Left!.Equals(b) && cap.Right.LowerBound >= 2));

    /// <summary>
    /// Where a bound of a slice lies in an axis: counted from the end if it is negative, and clamped to the axis. The
    /// opaque <c>index(bound, size)</c> if its sign is not known.
    /// </summary>
    public static Dim Index(Dim bound, Dim size) => bound.LowerBound >= 0 ? Min(bound, size)
        : bound.UpperBound < 0 ? Max(bound + size, Zero) : Call("index", bound, size);

    /// <summary>The remainder with the sign of <paramref name="b"/>.</summary>
    public static Dim Modulo(Dim a, Dim b) => TryDivideExactly(a, b, out _) ? Zero
        : a.TryGetConstant(out var x) && b.TryGetConstant(out var y) && y != 0 && y != -1 ? Of(((x % y) + y) % y)
        : Call("mod", a, b);

    /// <summary>Divides if the quotient is a polynomial with integer coefficients and nothing remains.</summary>
    public static bool TryDivideExactly(Dim a, Dim b, [NotNullWhen(true)] out Dim? quotient)
    {
        quotient = null;
        if (b._terms.Length == 0 && b._constant == 0)
            return false;
        if (a.Equals(b))
            quotient = One;
        if (a._terms.Length == 0 && a._constant == 0)
            quotient = Zero;
        if (quotient is not null)
            return true;
        var (leading, sum) = (b.Leading, Zero);
        for (var steps = 0; a._terms.Length > 0 || a._constant != 0; steps++)
        {
            var term = a.Leading;
            if (steps > MaxSize || term.Coefficient == long.MinValue || term.Coefficient % leading.Coefficient != 0
                || Remove(term.Factors, leading.Factors) is not { } rest)
            {
                return false;
            }
            var part = new Term(term.Coefficient / leading.Coefficient, rest);
            sum += rest.Length == 0 ? Of(part.Coefficient) : new(0, [part]);
            a -= MultiplyByTerm(b, part);
        }
        quotient = sum;
        return true;
    }

    Term Leading => _terms.Length > 0 ? _terms[0] : new Term(_constant, []);

    static Dim Scale(Dim a, long factor)
    {
        if (factor == 1)
            return a;
        var constant = checked(a._constant * factor);
        return a._terms.Length == 0 || factor == 0 ? Of(constant)
            : new(constant, Array.ConvertAll(a._terms, t => new Term(checked(t.Coefficient * factor), t.Factors)));
    }

    static Dim MultiplyByTerm(Dim a, Term term)
    {
        if (term.Factors.Length == 0)
            return Scale(a, term.Coefficient);
        var terms = new List<Term>(a._terms.Length + 1);
        foreach (var t in a._terms)
            terms.Add(new Term(checked(t.Coefficient * term.Coefficient), Multiply(t.Factors, term.Factors)));
        if (a._constant != 0)
            terms.Add(new Term(checked(a._constant * term.Coefficient), term.Factors));
        return terms.Count == 0 ? Zero : new(0, [.. terms]);
    }

    static Dim Apply(string function, Dim a, Dim b) => function switch
    {
        "floor" => FloorDivide(a, b),
        "mod" => Modulo(a, b),
        "min" => Min(a, b),
        "max" => Max(a, b),
        "broadcast" => Broadcast(a, b),
        "index" => Index(a, b),
        _ => throw new ArgumentException($"'{function}' is no function of dimensions."),
    };

    static Dim SymmetricCall(string function, Dim a, Dim b) =>
        string.CompareOrdinal(a.ToString(), b.ToString()) <= 0 ? Call(function, a, b) : Call(function, b, a);

    static Dim Call(string function, Dim a, Dim b)
    {
        var (low, high) = BoundsOfCall(function, a, b);
        return OfFactor(new Factor($"{function}({a}, {b})", function, a, b, low, high));
    }
}
