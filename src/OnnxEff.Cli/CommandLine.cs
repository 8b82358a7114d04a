using System.CommandLine;
using OnnxEff.Cli.Commands;
using OnnxEff.Cli.Shell;

namespace OnnxEff.Cli;

/// <summary>The command line as a function from arguments to an exit code.</summary>
public static class CommandLine
{
    /// <summary>The verbs in the order in which help lists them. A new verb is a new file and one line here.</summary>
    static IEnumerable<Command> Verbs(Terminal terminal) =>
    [
        EmitCommand.Create(terminal),
    ];

    /// <summary>Parses and runs. Every way out of the process passes here, so that each has its documented code.</summary>
    public static int Run(string[] args, Terminal terminal)
    {
        var verbose = new Option<bool>("--verbose")
        {
            Description = "Show where an error came from.",
            Recursive = true,
        };
        var root = new RootCommand("Rewrites decoder LLMs in ONNX files so that they run faster in ONNX Runtime.") { verbose };
        foreach (var verb in Verbs(terminal)) root.Add(verb);

        var parse = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parse.Errors.Count > 0)
        {
            terminal.Error.WriteLine($"{parse.Errors[0].Message} ({string.Join(" ", Named(parse.CommandResult.Command))} --help shows the usage.)");
            return (int)ExitCode.Usage;
        }
        try
        {
            return parse.Invoke(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                Output = terminal.Output,
                Error = terminal.Error,
            });
        }
        catch (Exception fault)
        {
            var failure = Failure.Of(fault);
            terminal.Error.WriteLine(parse.GetValue(verbose) ? $"{failure.Sentence}\n{fault}" : failure.Sentence);
            return (int)failure.Code;
        }
    }

    static IEnumerable<string> Named(Command command) => command is RootCommand ? ["onnxeff"] : ["onnxeff", command.Name];
}
