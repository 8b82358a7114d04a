using System.Diagnostics.CodeAnalysis;

namespace OnnxEff.Ir;

public sealed partial class Dim
{
    /// <summary>A number which the value is never below, whatever the symbols are; null if none is known.</summary>
    public long? LowerBound => _terms.Length == 0 ? _constant : Clamp(Interval(this).Low);

    /// <summary>A number which the value is never above, whatever the symbols are; null if none is known.</summary>
    public long? UpperBound => _terms.Length == 0 ? _constant : Clamp(Interval(this).High);

    /// <summary>True if the value cannot be 1.</summary>
    public bool IsNeverOne => _terms.Length == 0 ? _constant != 1 : LowerBound > 1 || UpperBound < 1;

    /// <summary>True if <paramref name="a"/> is never smaller than <paramref name="b"/>; false means not known.</summary>
    public static bool IsAtLeast(Dim a, Dim b)
    {
        if (a._terms.Length == 0 && b._terms.Length == 0)
            return a._constant >= b._constant;
        return IsNeverNegative(a - b, depth: 3);
    }

    /// <summary>True if the values differ whatever the symbols are; false means not known.</summary>
    public static bool AreNeverEqual(Dim a, Dim b)
    {
        var difference = a - b;
        return difference.LowerBound > 0 || difference.UpperBound < 0;
    }

    /// <summary>
    /// Solves <paramref name="a"/> = <paramref name="b"/> for one factor: an opaque one if there is one, else a symbol,
    /// the one that <paramref name="rank"/> puts highest, and rather one whose solution has no negative coefficient.
    /// </summary>
    /// <param name="a">One side.</param>
    /// <param name="b">The other side.</param>
    /// <param name="rank">How willingly a symbol is given up; higher goes first.</param>
    /// <param name="factor">The symbol, or the text of the opaque factor.</param>
    /// <param name="value">What it equals; does not contain it.</param>
    public static bool TrySolve(Dim a, Dim b, Func<string, int> rank,
        [NotNullWhen(true)] out string? factor, [NotNullWhen(true)] out Dim? value)
    {
        (factor, value) = (null, null);
        var difference = a - b;
        var best = (Opaque: false, Positive: false, Rank: 0);
        foreach (var term in difference._terms)
        {
            if (term.Factors is not [var candidate])
                continue;
            var rest = difference - new Dim(0, [term]);
            if (rest.Mentions(candidate.Text) || !TryDivideExactly(-rest, Of(term.Coefficient), out var solution))
                continue;
            var positive = solution._constant >= 0 && Array.TrueForAll(solution._terms, t => t.Coefficient > 0);
            var score = (Opaque: candidate.Function is not null, Positive: positive,
                Rank: candidate.Function is null ? rank(candidate.Text) : 0);
            if (value is null || score.CompareTo(best) > 0)
                (factor, value, best) = (candidate.Text, solution, score);
        }
        return value is not null;
    }

    bool Mentions(string text) => Array.Exists(_terms, t => Array.Exists(t.Factors, f => f.Text == text
        || (f.Function is not null && (f.Left!.Mentions(text) || f.Right!.Mentions(text)))));

    static bool IsNeverNegative(Dim d, int depth)
    {
        if (d.LowerBound >= 0)
            return true;
        if (depth == 0)
            return false;
        foreach (var term in d._terms)
        {
            // -min(x, y) is at least -x and at least -y; max(x, y) at least x and at least y.
            if (term.Factors is not [{ Function: not null } call] || call.Function != (term.Coefficient < 0 ? "min" : "max"))
                continue;
            var rest = d - new Dim(0, [term]);
            if (IsNeverNegative(rest + Scale(call.Left!, term.Coefficient), depth - 1)
                || IsNeverNegative(rest + Scale(call.Right!, term.Coefficient), depth - 1))
            {
                return true;
            }
        }
        return false;
    }

    static (Int128? Low, Int128? High) Interval(Dim d)
    {
        Int128? low = d._constant, high = d._constant;
        foreach (var term in d._terms)
        {
            Int128? least = 1, most = 1;
            foreach (var factor in term.Factors)
            {
                // A product of factors that may be negative is not followed; sizes never are.
                var nonNegative = factor.Low >= 0 || term.Factors.Length == 1;
                least = nonNegative && Small(least) ? least * factor.Low : null;
                most = nonNegative && Small(most) ? most * factor.High : null;
            }
            if (term.Coefficient < 0)
                (least, most) = (most, least);
            low = Small(least) ? low + (least * term.Coefficient) : null;
            high = Small(most) ? high + (most * term.Coefficient) : null;
        }
        return (low, high);
    }

    static bool Small(Int128? value) => value is { } v && v < long.MaxValue && v > long.MinValue;

    static long? Clamp(Int128? value) => Small(value) ? (long)value!.Value : null;

    static (long? Low, long? High) BoundsOfCall(string function, Dim a, Dim b)
    {
        var (x, y) = ((Low: a.LowerBound, High: a.UpperBound), (Low: b.LowerBound, High: b.UpperBound));
        return function switch
        {
            "min" => (Least(x.Low, y.Low), Known(x.High, y.High, Math.Min)),
            "max" => (Known(x.Low, y.Low, Math.Max), x.High is null || y.High is null ? null : Math.Max(x.High.Value, y.High.Value)),
            "broadcast" => (Least(x.Low, y.Low), x.High is null || y.High is null ? null : Math.Max(x.High.Value, y.High.Value)),
            "floor" when x.Low >= 0 && y.Low >= 1 => (y.High is { } largest ? x.Low / largest : 0, x.High / y.Low),
            "index" => (0, y.High),
            "mod" when y.Low >= 1 => (0, y.High - 1),
            _ => (null, null),
        };
    }

    static long? Least(long? a, long? b) => a is null || b is null ? null : Math.Min(a.Value, b.Value);

    static long? Known(long? a, long? b, Func<long, long, long> choose) => a is null ? b : b is null ? a : choose(a.Value, b.Value);
}
