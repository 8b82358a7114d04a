using Spectre.Console;

namespace OnnxEff.Cli.Shell;

/// <summary>
/// Where results and messages go. Results are on the output stream alone; progress and logs on the error stream. Colour and progress
/// only where a person looks.
/// </summary>
public sealed class Terminal
{
    readonly bool outputIsScreen;
    readonly bool errorIsScreen;
    readonly bool colour;

    /// <summary>A terminal over two streams.</summary>
    public Terminal(TextWriter output, TextWriter error, bool outputIsScreen, bool errorIsScreen, bool colour)
    {
        (Output, Error) = (output, error);
        (this.outputIsScreen, this.errorIsScreen, this.colour) = (outputIsScreen, errorIsScreen, colour);
    }

    /// <summary>Results.</summary>
    public TextWriter Output { get; }

    /// <summary>Progress and messages.</summary>
    public TextWriter Error { get; }

    /// <summary>The process's own streams.</summary>
    public static Terminal ForProcess() => new(
        Console.Out, Console.Error, !Console.IsOutputRedirected, !Console.IsErrorRedirected,
        string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")));

    /// <summary>Writes a table: framed on a screen, Markdown in a pipe.</summary>
    /// <param name="header">One title per column; a title that begins with <c>&gt;</c> aligns its column to the right.</param>
    /// <param name="rows">Cells of each row.</param>
    public void Table(IReadOnlyList<string> header, IEnumerable<IReadOnlyList<string>> rows)
    {
        if (!outputIsScreen)
        {
            Markdown(header, rows);
            return;
        }
        var table = new Table { Border = TableBorder.Rounded };
        foreach (var title in header)
            table.AddColumn(new TableColumn(new Text(title.TrimStart('>'))) { Alignment = title.StartsWith('>') ? Justify.Right : Justify.Left });
        foreach (var row in rows) table.AddRow(row.Select(cell => new Text(cell)));
        Ansi(Output, outputIsScreen).Write(table);
    }

    void Markdown(IReadOnlyList<string> header, IEnumerable<IReadOnlyList<string>> rows)
    {
        List<IReadOnlyList<string>> lines = [[.. header.Select(title => title.TrimStart('>'))]];
        lines.AddRange(rows.Select(row => (string[])[.. row.Select(cell => cell.Replace("|", "\\|", StringComparison.Ordinal))]));
        var widths = header.Select((_, column) => lines.Max(line => line[column].Length)).ToArray();
        string Cell(string text, int column) => header[column].StartsWith('>') ? text.PadLeft(widths[column]) : text.PadRight(widths[column]);
        foreach (var line in lines)
        {
            Output.WriteLine($"| {string.Join(" | ", line.Select(Cell))} |");
            if (line == lines[0])
                Output.WriteLine($"| {string.Join(" | ", widths.Select((width, i) => header[i].StartsWith('>') ? new string('-', Math.Max(width - 1, 1)) + ":" : new string('-', width)))} |");
        }
        Output.WriteLine();
    }

    /// <summary>A line for a person who watches.</summary>
    public void Log(string line)
    {
        if (errorIsScreen) Error.WriteLine(line);
    }

    /// <summary>Runs work that tells what it is doing; the text stands on the error stream while it lasts.</summary>
    public T Working<T>(string begin, Func<IProgress<string>, T> work)
    {
        if (!errorIsScreen) return work(new Silent());
        return Ansi(Error, errorIsScreen).Status().Start(Markup.Escape(begin), status => work(new Shown(status)));
    }

    IAnsiConsole Ansi(TextWriter writer, bool screen)
    {
        return AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = screen && colour ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = screen && colour ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = screen ? InteractionSupport.Detect : InteractionSupport.No,
            Out = new AnsiConsoleOutput(writer),
        });
    }

    sealed class Silent : IProgress<string>
    {
        public void Report(string value) { }
    }

    sealed class Shown(StatusContext status) : IProgress<string>
    {
        public void Report(string value) => status.Status(Markup.Escape(value));
    }
}
