using System.CommandLine;
using OnnxEff.Cli.Commands;
using OnnxEff.Cli.Shell;

namespace OnnxEff.Cli;

/// <summary>The command line as a function from arguments to an exit code.</summary>
public static class CommandLine
{
    const string Verbose = "--verbose";

    /// <summary>The verbs in the order in which help lists them. A new verb is a new file and one line here.</summary>
    static IEnumerable<Command> Verbs(Terminal terminal) =>
    [
        OptimizeCommand.Create(terminal),
        CompressCommand.Create(terminal),
        ImportVptqCommand.Create(terminal),
        InspectCommand.Create(terminal),
        DiffCommand.Create(terminal),
        VerifyCommand.Create(terminal),
        BenchCommand.Create(terminal),
        GenerateCommand.Create(terminal),
        EvalCommand.Create(terminal),
        PassesCommand.Create(terminal),
        DoctorCommand.Create(terminal),
        EmitCommand.Create(terminal),
    ];

    /// <summary>All verbs with their arguments and options.</summary>
    public static RootCommand Root(Terminal terminal)
    {
        var root = new RootCommand("Rewrites decoder LLMs in ONNX files so that they run faster in ONNX Runtime.")
        {
            new Option<bool>(Verbose) { Description = "Show where an error came from.", Recursive = true },
        };
        foreach (var verb in Verbs(terminal)) root.Add(verb);
        return root;
    }

    /// <summary>Parses and runs. Every way out of the process passes here, so that each has its documented code.</summary>
    public static int Run(string[] args, Terminal terminal)
    {
        var parse = Root(terminal).Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parse.Errors.Count > 0)
        {
            terminal.Error.WriteLine(Misuse(parse));
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
            terminal.Error.WriteLine(parse.GetValue<bool>(Verbose) ? $"{failure.Sentence}\n{fault}" : failure.Sentence);
            return (int)failure.Code;
        }
    }

    static string Misuse(ParseResult parse)
    {
        var command = parse.CommandResult.Command;
        if (command is RootCommand && parse.UnmatchedTokens.Count > 0)
            return $"'{parse.UnmatchedTokens[0]}' is no verb: onnxeff --help lists them.";
        var usage = command is RootCommand ? "onnxeff --help" : $"onnxeff {command.Name} --help";
        return $"{Failure.OneLine(parse.Errors[0].Message)} ({usage} shows the usage.)";
    }
}
