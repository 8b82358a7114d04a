using System.Globalization;

namespace OnnxEff.Ir;

/// <summary>
/// Reads dimension expressions: sums, products, floor divisions and the functions that <see cref="Dim"/> has, in its own
/// spelling and in that of symbolic Python (<c>//</c>, <c>Max</c>). A minus sign is an operator only with a space around
/// it, because names such as <c>batch-size</c> exist.
/// </summary>
static class DimParser
{
    const int MaxDepth = 32, MaxLength = 1024;
    const int MaxTerms = 256; // A product of sums grows exponentially with its text.

    /// <summary>The dimension, or null if the text is no expression.</summary>
    public static Dim? Parse(string text)
    {
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
            return Dim.Of(number);
        if (text.Length > MaxLength)
            return null;
        var at = 0;
        try
        {
            return Sum(text, ref at, 0) is { } dim && SkipSpaces(text, ref at) == text.Length ? dim : null;
        }
        catch (OverflowException)
        {
            return null;
        }
    }

    static Dim? Sum(string text, ref int at, int depth)
    {
        if (depth > MaxDepth)
            return null;
        SkipSpaces(text, ref at);
        var negative = at < text.Length && text[at] == '-';
        if (negative)
            at++;
        var sum = Product(text, ref at, depth);
        if (negative && sum is not null)
            sum = -sum;
        while (sum is not null && SkipSpaces(text, ref at) < text.Length && text[at] is '+' or '-')
        {
            var subtract = text[at++] == '-';
            if (Product(text, ref at, depth) is not { } term)
                return null;
            sum = subtract ? sum - term : sum + term;
        }
        return sum;
    }

    static Dim? Product(string text, ref int at, int depth)
    {
        var product = Atom(text, ref at, depth);
        while (product is not null && SkipSpaces(text, ref at) < text.Length)
        {
            var divide = at + 1 < text.Length && text[at] == '/' && text[at + 1] == '/';
            if (!divide && text[at] != '*')
                break;
            at += divide ? 2 : 1;
            if (Atom(text, ref at, depth) is not { } factor || (long)product.TermCount * factor.TermCount > MaxTerms)
                return null;
            product = divide ? Dim.FloorDivide(product, factor) : product * factor;
        }
        return product;
    }

    static Dim? Atom(string text, ref int at, int depth)
    {
        SkipSpaces(text, ref at);
        if (at < text.Length && text[at] == '(')
        {
            at++;
            var inner = Sum(text, ref at, depth + 1);
            return Take(text, ref at, ')') ? inner : null;
        }
        var start = at;
        while (at < text.Length && IsNameCharacter(text, at))
            at++;
        var name = text.AsSpan(start, at - start);
        if (name.IsEmpty)
            return null;
        if (at < text.Length && text[at] == '(')
            return Call(name.ToString(), text, ref at, depth);
        if (!char.IsAsciiDigit(name[0]))
            return Dim.Symbol(name.ToString());
        return long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? Dim.Of(number) : null;
    }

    static Dim? Call(string name, string text, ref int at, int depth)
    {
        at++;
        if (Sum(text, ref at, depth + 1) is not { } left || !Take(text, ref at, ',')
            || Sum(text, ref at, depth + 1) is not { } right || !Take(text, ref at, ')'))
        {
            return null;
        }
        return name switch
        {
            "floor" or "FloorDiv" => Dim.FloorDivide(left, right),
            "mod" or "Mod" => Dim.Modulo(left, right),
            "min" or "Min" => Dim.Min(left, right),
            "max" or "Max" => Dim.Max(left, right),
            "index" => Dim.Index(left, right),
            "broadcast" => Dim.Broadcast(left, right),
            _ => null,
        };
    }

    static bool Take(string text, ref int at, char expected)
    {
        if (SkipSpaces(text, ref at) >= text.Length || text[at] != expected)
            return false;
        at++;
        return true;
    }

    static bool IsNameCharacter(string text, int at) => text[at] switch
    {
        '(' or ')' or ',' or '*' or '+' or ' ' or '\t' => false,
        '/' => at + 1 >= text.Length || text[at + 1] != '/',
        _ => true,
    };

    static int SkipSpaces(string text, ref int at)
    {
        while (at < text.Length && text[at] is ' ' or '\t')
            at++;
        return at;
    }
}
