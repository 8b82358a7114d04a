using System.Text;
using OnnxEff.Ir;

namespace OnnxEff.Cli.Html;

/// <summary>Short names for the symbolic dimensions of a model: <c>past_sequence_length</c> becomes <c>PSL</c>, so that a shape fits a box.</summary>
sealed class Symbols
{
    const int Short = 4; // Letters that need no other name.

    readonly SortedDictionary<string, string> names = new(StringComparer.Ordinal);

    /// <summary>Names for the symbols in inputs and outputs of these models.</summary>
    public Symbols(params IEnumerable<Model> models)
    {
        var symbols = models.SelectMany(model => model.Graph.Inputs.Concat(model.Graph.Outputs)).SelectMany(value => value.Type?.Shape?.AsEnumerable() ?? [])
            .SelectMany(dim => dim.Symbols).Where(symbol => !symbol.Contains('?', StringComparison.Ordinal)).Distinct().ToArray();
        var taken = symbols.Where(symbol => symbol.Length <= Short).ToHashSet();
        foreach (var symbol in symbols.Where(symbol => symbol.Length > Short).Order(StringComparer.Ordinal))
        {
            var initials = Initials(symbol);
            var name = initials;
            for (var i = 2; !taken.Add(name); i++) name = $"{initials}{i}";
            names.Add(symbol, name);
        }
    }

    /// <summary>Each long name with its short one.</summary>
    public IReadOnlyDictionary<string, string> Names => names;

    /// <summary>The text of a dimension with short names.</summary>
    public string Shorten(string dimension)
    {
        var shorter = new StringBuilder();
        for (var at = 0; at < dimension.Length;)
        {
            var end = at;
            while (end < dimension.Length && IsPartOfName(dimension[end])) end++;
            if (end == at) shorter.Append(dimension[at++]);
            else
            {
                var word = dimension[at..end];
                shorter.Append(names.GetValueOrDefault(word, word));
                at = end;
            }
        }
        return shorter.ToString();
    }

    static bool IsPartOfName(char c) => char.IsLetterOrDigit(c) || c is '_' or '.';

    static string Initials(string symbol)
    {
        var initials = symbol.Split('_', '.', '-', ' ').Where(word => word.Length > 0 && char.IsLetterOrDigit(word[0]))
            .Select(word => char.IsDigit(word[0]) ? word : char.ToUpperInvariant(word[0]).ToString());
        return string.Concat(initials) is { Length: > 0 } name ? Shorter.End(name, Short + 2) : "D";
    }
}
