using System.Globalization;
using System.Text;

namespace OnnxEff.Ir;

public sealed partial class Dim
{
    /// <summary>One product of factors, sorted by text, with its coefficient.</summary>
    readonly record struct Term(long Coefficient, Factor[] Factors);

    /// <summary>A symbol, or a call of a function which is no polynomial.</summary>
    sealed class Factor(string text, string? function, Dim? left, Dim? right, long? low, long? high)
    {
        public string Text { get; } = text;
        public string? Function { get; } = function;
        public Dim? Left { get; } = left;
        public Dim? Right { get; } = right;
        public long? Low { get; } = low;
        public long? High { get; } = high;
        public int Hash { get; } = text.GetHashCode(StringComparison.Ordinal);
        public int Size { get; } = 1 + (left?._size ?? 0) + (right?._size ?? 0);
    }

    static Dim OfFactor(Factor factor) => new(0, [new Term(1, [factor])]);

    static int Compare(Factor a, Factor b) => ReferenceEquals(a, b) ? 0 : string.CompareOrdinal(a.Text, b.Text);

    /// <summary>Lexicographic order of monomials, larger first: it is kept by multiplication, which long division needs.</summary>
    static int Compare(Factor[] a, Factor[] b)
    {
        for (var i = 0; i < a.Length && i < b.Length; i++)
        {
            var order = Compare(a[i], b[i]);
            if (order != 0)
                return order;
        }
        return b.Length - a.Length;
    }

    static Factor[] Multiply(Factor[] a, Factor[] b)
    {
        var product = new Factor[a.Length + b.Length];
        for (int i = 0, j = 0, k = 0; k < product.Length; k++)
            product[k] = j == b.Length || (i < a.Length && Compare(a[i], b[j]) <= 0) ? a[i++] : b[j++];
        return product;
    }

    /// <summary>The factors of <paramref name="a"/> without those of <paramref name="b"/>, or null if some are missing.</summary>
    static Factor[]? Remove(Factor[] a, Factor[] b)
    {
        if (b.Length > a.Length)
            return null;
        var rest = new Factor[a.Length - b.Length];
        var (j, k) = (0, 0);
        foreach (var factor in a)
        {
            if (j < b.Length && Compare(factor, b[j]) == 0)
                j++;
            else if (k < rest.Length)
                rest[k++] = factor;
            else
                return null;
        }
        return j == b.Length ? rest : null;
    }

    string Print()
    {
        if (_terms.Length == 0)
            return _constant.ToString(CultureInfo.InvariantCulture);
        var text = new StringBuilder();
        foreach (var term in _terms)
            Append(term.Coefficient, string.Join('*', term.Factors.Select(f => f.Text)));
        if (_constant != 0)
            Append(_constant, "");
        return text.ToString();

        void Append(long coefficient, string factors)
        {
            if (text.Length > 0)
                text.Append(coefficient < 0 ? " - " : " + ");
            else if (coefficient < 0)
                text.Append('-');
            var size = coefficient < 0 ? 0 - (ulong)coefficient : (ulong)coefficient;
            if (size != 1 || factors.Length == 0)
                text.Append(CultureInfo.InvariantCulture, $"{size}{(factors.Length > 0 ? "*" : "")}");
            text.Append(factors);
        }
    }
}
