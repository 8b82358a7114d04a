using OnnxEff.Cli.Json;
using OnnxEff.Cli.Shell;

namespace OnnxEff.Cli.Compress;

/// <summary>The end of a run of <c>compress</c>, for readers and for machines.</summary>
static class CompressReport
{
    /// <summary>Writes it.</summary>
    public static void Tell(Terminal terminal, CompressJson result, bool asJson)
    {
        if (asJson)
        {
            terminal.Output.Write(JsonOutput.Text(result, JsonContracts.Readable.CompressJson));
            return;
        }
        terminal.Table(["measure", ">value"],
        [
            ["matrices", $"{result.Matrices}"],
            ["weights", Quantity.Count(result.Weights)],
            ["bits per weight, all side data counted", FormattableString.Invariant($"{result.BitsPerWeight:0.000}")],
            ["bytes of the model", Quantity.Bytes(result.FileBytes)],
            ["worst relative error of a matrix", FormattableString.Invariant($"{result.WorstError:0.0000} ({result.WorstMatrix})")],
            ["time", Quantity.Time(result.Seconds * 1000)],
            ["peak memory", Quantity.Bytes(result.PeakBytes)],
        ]);
        if (result.Left.Length > 0) terminal.Table(["node that was left", "reason"], result.Left.Select(l => (string[])[l.Node, l.Reason]));
    }
}
