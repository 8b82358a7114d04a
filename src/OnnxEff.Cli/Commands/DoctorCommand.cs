using System.CommandLine;
using OnnxEff.Cli.Doctor;
using OnnxEff.Cli.Json;
using OnnxEff.Cli.Shell;

namespace OnnxEff.Cli.Commands;

/// <summary><c>onnxeff doctor</c>: whether this machine has what rewritten models need, and how an application loads them.</summary>
static class DoctorCommand
{
    public static Command Create(Terminal terminal)
    {
        var json = Options.Json();
        var attention = new Option<bool>("--attention-only") { Hidden = true };
        return Verb.Create("doctor", "Check ONNX Runtime and the operator library; show how an application loads them.",
            ["onnxeff doctor", "onnxeff doctor --json"], [json, attention],
            parse => parse.GetValue(attention) ? AttentionOnly(terminal) : Run(terminal, parse.GetValue(json)));
    }

    static ExitCode Run(Terminal terminal, bool json)
    {
        var checks = terminal.Working("Looking", _ => Checkup.Run().ToArray());
        var healthy = checks.All(check => check.Verdict != "failed");
        if (json)
        {
            terminal.Output.Write(JsonOutput.Text(new DoctorJson(healthy, checks), JsonContracts.Readable.DoctorJson));
        }
        else
        {
            terminal.Table(["check", "verdict", "detail"], checks.Select(check => (string[])[check.Name, check.Verdict, check.Detail]));
            if (OperatorLibrary.Find(out _) is { } library) terminal.Output.Write(HostSnippets.Text(library.Path));
        }
        return healthy ? ExitCode.Done : ExitCode.InputOutput;
    }

    static ExitCode AttentionOnly(Terminal terminal)
    {
        var check = Checkup.Attention(OperatorLibrary.Require().Path);
        terminal.Output.WriteLine(check.Detail);
        return check.Verdict == "ok" ? ExitCode.Done : ExitCode.InputOutput;
    }
}
