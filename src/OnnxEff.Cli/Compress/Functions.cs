using OnnxEff.Cli.Shell;
using OnnxEff.GraphPasses.Lower;
using OnnxEff.Ir;
using OnnxEff.Rewriting;

namespace OnnxEff.Cli.Compress;

/// <summary>The functions by which hosts without the operator library run stored products.</summary>
static class Functions
{
    /// <summary>Adds them to a model.</summary>
    /// <returns>What the user was told: why there are none.</returns>
    public static string[] Add(Model model, Terminal terminal)
    {
        var context = new PassContext(model);
        new FunctionBodies().Run(context);
        string[] notes = [.. context.TakeRefusals().Select(refusal => $"'{refusal.NodeName}' and nodes like it: {refusal.Sentence}.").Take(1)];
        foreach (var note in notes) terminal.Error.WriteLine(note);
        return notes;
    }
}
