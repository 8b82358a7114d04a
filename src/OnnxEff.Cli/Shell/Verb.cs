using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace OnnxEff.Cli.Shell;

/// <summary>A command whose help ends with examples.</summary>
static class Verb
{
    /// <summary>A verb with its action.</summary>
    public static Command Create(string name, string description, string[] examples, Symbol[] symbols, Func<ParseResult, ExitCode> action)
    {
        var command = new Command(name, description);
        foreach (var symbol in symbols)
        {
            if (symbol is Argument argument) command.Add(argument);
            else command.Add((Option)symbol);
        }
        command.Add(new HelpOption { Action = new HelpWithExamples(examples) });
        command.SetAction(parse => (int)action(parse));
        return command;
    }

    sealed class HelpWithExamples(string[] examples) : SynchronousCommandLineAction
    {
        // A help option's usual action may not run the command as well.
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            var code = new HelpAction().Invoke(parseResult);
            var output = parseResult.InvocationConfiguration.Output;
            output.WriteLine("Examples:");
            foreach (var example in examples) output.WriteLine($"  {example}");
            return code;
        }
    }
}
