using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace OnnxEff.Cli.Html;

/// <summary>Text that is HTML already.</summary>
readonly record struct Markup(string Text);

/// <summary>Writes HTML. Only literals of the program are taken as they are: what is filled in is escaped, so that no name in a model becomes an element.</summary>
sealed class HtmlText
{
    readonly StringBuilder text = new();

    /// <summary>Characters so far.</summary>
    public int Length => text.Length;

    /// <summary>Appends a line.</summary>
    public void Add([InterpolatedStringHandlerArgument("")] Handler line)
    {
        _ = line; // The compiler has it write into this text.
        text.Append('\n');
    }

    /// <summary>What was written.</summary>
    public override string ToString() => text.ToString();

    /// <summary>What was written, to be put into other HTML.</summary>
    public Markup ToMarkup() => new(text.ToString());

    /// <summary>A text as HTML shows it. Control characters, and those that turn the direction of writing, become a visible mark.</summary>
    public static string Escape(string value)
    {
        var escaped = new StringBuilder(value.Length);
        foreach (var rune in value.EnumerateRunes())
        {
            escaped.Append(rune.Value switch
            {
                '&' => "&amp;",
                '<' => "&lt;",
                '>' => "&gt;",
                '"' => "&quot;",
                '\'' => "&#39;",
                _ => Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.OtherNotAssigned
                    or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator ? "\ufffd" : rune.ToString(),
            });
        }
        return escaped.ToString();
    }

    /// <summary>Fills values into a literal.</summary>
    [InterpolatedStringHandler]
    public readonly ref struct Handler
    {
        readonly StringBuilder text;

#pragma warning disable IDE0060 // The compiler gives both numbers.
        /// <summary>Called by the compiler.</summary>
        public Handler(int literalLength, int formattedCount, HtmlText html) => text = html.text;
#pragma warning restore IDE0060

        /// <summary>HTML of the program.</summary>
        public void AppendLiteral(string literal) => text.Append(literal);

        /// <summary>A text.</summary>
        public void AppendFormatted(string? value) => text.Append(Escape(value ?? ""));

        /// <summary>A number.</summary>
        public void AppendFormatted(long value) => text.Append(value.ToString(CultureInfo.InvariantCulture));

        /// <summary>HTML that was written before.</summary>
        public void AppendFormatted(Markup value) => text.Append(value.Text);
    }
}
