using Spectre.Console;

namespace OnnxEff.Cli.Shell;

/// <summary>
/// Where results and messages go. Results are on the output stream alone; progress and logs on the error stream. Colour and progress
/// only where a person looks.
/// </summary>
public sealed class Terminal
{
    // A pipe has no width: wide enough that no cell wraps.
    const int UnlimitedWidth = 4096;

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
        var table = new Table { Border = outputIsScreen ? TableBorder.Rounded : TableBorder.Markdown };
        foreach (var title in header)
            table.AddColumn(new TableColumn(new Text(title.TrimStart('>'))) { Alignment = title.StartsWith('>') ? Justify.Right : Justify.Left });
        foreach (var row in rows) table.AddRow(row.Select(cell => new Text(cell)));
        Ansi(Output, outputIsScreen).Write(table);
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
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = screen && colour ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = screen && colour ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = screen ? InteractionSupport.Detect : InteractionSupport.No,
            Out = new AnsiConsoleOutput(writer),
        });
        if (!screen) console.Profile.Width = UnlimitedWidth;
        return console;
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
