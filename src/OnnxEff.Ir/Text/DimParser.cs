using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace OnnxEff.Ir.Text;

/// <summary>
/// Reads dimensions written as arithmetic: <c>past_sequence_length + sequence_length</c>, <c>s0 + 4*s1</c>,
/// <c>floor(a / 2)</c>, <c>max(1, s0)</c>. Only behind a space does <c>-</c> subtract; elsewhere it makes the text no
/// arithmetic, since exporters name dimensions <c>batch-size</c>.
/// </summary>
internal ref struct DimParser
{
    const int MaxLength = 512, MaxDepth = 32;
    const int MaxTerms = 64; // A product of sums grows exponentially with its text.

    readonly ReadOnlySpan<char> _text;
    int _at;
    int _depth;

    DimParser(ReadOnlySpan<char> text) => _text = text;

    /// <summary>Reads a whole text; false if it is no arithmetic, or too much of it.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, [NotNullWhen(true)] out Dim? dim)
    {
        dim = null;
        if (text.Length > MaxLength)
            return false;
        var parser = new DimParser(text);
        try
        {
            if (parser.Sum() is not { } sum || parser.Peek() != '\0')
                return false;
            dim = sum;
            return true;
        }
        catch (OverflowException)
        {
            return false;
        }
    }

    Dim? Sum()
    {
        if (++_depth > MaxDepth)
            return null;
        var sum = Product();
        while (sum is not null && Peek() is '+' or '-')
        {
            if (_text[_at] == '-' && !IsMinus())
                return null;
            var subtract = _text[_at++] == '-';
            if (Product() is not { } next || sum!.TermCount + next.TermCount > MaxTerms)
                return null;
            sum = subtract ? sum - next : sum + next;
        }
        _depth--;
        return sum;
    }

    readonly bool IsMinus()
    {
        var next = _at + 1 < _text.Length ? _text[_at + 1] : '\0';
        return _at > 0 && _text[_at - 1] == ' ' && (next == ' ' || char.IsAsciiDigit(next));
    }

    Dim? Product()
    {
        var product = Factor();
        while (product is not null && Peek() is '*' or '/')
        {
            var divide = _text[_at] == '/';
            if (divide && (_at + 1 >= _text.Length || _text[_at + 1] != '/'))
                return product; // A plain quotient is legal inside floor(...) only, which looks for it.
            _at += divide ? 2 : 1;
            if (Factor() is not { } next || (long)product!.TermCount * next.TermCount > MaxTerms)
                return null;
            product = divide ? Dim.FloorDivide(product, next) : product * next;
        }
        return product;
    }

    Dim? Factor()
    {
        var first = Peek();
        if (first == '-')
        {
            _at++;
            if (++_depth > MaxDepth)
                return null;
            var negated = Factor();
            _depth--;
            return negated is null ? null : Dim.Zero - negated;
        }
        if (first == '(')
        {
            _at++;
            return Sum() is { } sum && Take(')') ? sum : null;
        }
        var start = _at;
        while (_at < _text.Length && IsWord(_text[_at]))
            _at++;
        var word = _text[start.._at];
        if (word.IsEmpty)
            return null;
        if (char.IsAsciiDigit(word[0]))
            return long.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? Dim.Of(value) : null;
        return Peek() == '(' ? Call(word) : Dim.Symbol(word.ToString());
    }

    Dim? Call(ReadOnlySpan<char> function)
    {
        Take('(');
        if (Sum() is not { } left || !(Take(',') || (function is "floor" && Take('/'))) || Sum() is not { } right || !Take(')'))
            return null;
        return function switch
        {
            "floor" => Dim.FloorDivide(left, right),
            "mod" or "Mod" => Dim.Modulo(left, right),
            "min" or "Min" => Dim.Min(left, right),
            "max" or "Max" => Dim.Max(left, right),
            _ => null,
        };
    }

    bool Take(char c)
    {
        if (Peek() != c)
            return false;
        _at++;
        return true;
    }

    /// <summary>The next character that is no space; moves before it.</summary>
    char Peek()
    {
        while (_at < _text.Length && _text[_at] == ' ')
            _at++;
        return _at < _text.Length ? _text[_at] : '\0';
    }

    static bool IsWord(char c) => char.IsLetterOrDigit(c) || c is '_' or '.' or '?' or ':';
}
