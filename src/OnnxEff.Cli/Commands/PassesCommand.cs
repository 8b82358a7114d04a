using System.CommandLine;
using OnnxEff.Cli.Json;
using OnnxEff.Cli.Shell;
using OnnxEff.GraphPasses;

namespace OnnxEff.Cli.Commands;

/// <summary><c>onnxeff passes</c>: what <c>optimize</c> can do.</summary>
static class PassesCommand
{
    public static Command Create(Terminal terminal)
    {
        var json = Options.Json();
        return Verb.Create("passes", "List the passes with what they do to the numbers.", ["onnxeff passes", "onnxeff passes --json"], [json], parse =>
        {
            if (parse.GetValue(json))
                terminal.Output.Write(JsonOutput.Text([.. Optimizer.Passes.Select(Json)], JsonContracts.Readable.PassJsonArray));
            else
                terminal.Table(["pass", "exactness", "targets", "what it does"],
                    Optimizer.Passes.Select(pass => (string[])[pass.Name, Lower(pass.Exactness), string.Join(' ', pass.Targets.Select(Lower)), pass.Summary]));
            return ExitCode.Done;
        });
    }

    static PassJson Json(PassInfo pass) => new(pass.Name, Lower(pass.Exactness), pass.Summary, [.. pass.Targets.Select(Lower)]);

    static string Lower<T>(T value) where T : struct, Enum => value.ToString().ToLowerInvariant();
}
