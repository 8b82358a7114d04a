using System.CommandLine;
using OnnxEff.Cli.Shell;

namespace OnnxEff.Cli.Commands;

/// <summary><c>onnxeff emit operators</c>: documents that are derived from declarations. For the project's developers, so not listed.</summary>
static class EmitCommand
{
    public static Command Create(Terminal terminal)
    {
        var what = new Argument<string>("what") { Description = "operators: the text of docs/operators.md." };
        what.AcceptOnlyFromAmong("operators");
        var command = Verb.Create("emit", "Print a document that is derived from declarations.", ["onnxeff emit operators > docs/operators.md"], [what], _ =>
        {
            terminal.Output.Write(OperatorsDocument.Text());
            return ExitCode.Done;
        });
        command.Hidden = true;
        return command;
    }
}
