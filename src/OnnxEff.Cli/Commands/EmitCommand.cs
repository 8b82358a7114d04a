using System.CommandLine;
using OnnxEff.Cli.Coverage;
using OnnxEff.Cli.Shell;

namespace OnnxEff.Cli.Commands;

/// <summary><c>onnxeff emit operators|coverage</c>: documents that are made by the program. For the project's developers, so not listed.</summary>
static class EmitCommand
{
    public static Command Create(Terminal terminal)
    {
        var what = new Argument<string>("what") { Description = "operators: the text of docs/operators.md. coverage: that of docs/coverage.md." };
        what.AcceptOnlyFromAmong("operators", "coverage");
        var folder = new Argument<string>("FOLDER") { Description = "For coverage: a folder of folders with a model.onnx and reference cases.", Arity = ArgumentArity.ZeroOrOne };
        var command = Verb.Create("emit", "Print a document that this program makes.",
            ["onnxeff emit operators > docs/operators.md", "onnxeff emit coverage models > docs/coverage.md"], [what, folder], parse =>
            {
                terminal.Output.Write(parse.GetValue(what) == "operators" ? OperatorsDocument.Text() : Coverage(terminal, parse.GetValue(folder)));
                return ExitCode.Done;
            });
        command.Hidden = true;
        return command;
    }

    static string Coverage(Terminal terminal, string? folder) => folder is null ? throw CommandException.Usage("Name the folder that holds the models' folders.")
        : !Directory.Exists(folder) ? throw new CommandException(ExitCode.InputOutput, $"The folder '{folder}' does not exist.")
        : terminal.Working("Rewriting", progress => CoverageDocument.Text(CoverageDocument.Rows(folder, progress)));
}
