using OnnxEff.Cli.Diff;
using OnnxEff.GraphPasses;
using OnnxEff.Ir;
using OnnxEff.Runtime;

namespace OnnxEff.Cli.Html;

/// <summary>The file of a comparison: whole or absent.</summary>
static class PageFile
{
    /// <summary>Refuses a file that exists, before any work is done.</summary>
    /// <exception cref="CommandException">It exists and may not be replaced, is one of the models, or a folder.</exception>
    public static void Check(string path, bool force, params IEnumerable<string> models)
    {
        if (Directory.Exists(path)) throw CommandException.Usage($"'{path}' is a folder: name a file for the page.");
        foreach (var model in models) ModelFiles.Output(path, model, force);
    }

    /// <summary>Writes a page.</summary>
    public static void Write(string path, DiffPage page)
    {
        ModelFiles.MakeFolder(path);
        var unfinished = $"{path}.{Environment.ProcessId}.tmp";
        try
        {
            File.WriteAllText(unfinished, page.Text);
            File.Move(unfinished, path, overwrite: true);
        }
        finally
        {
            File.Delete(unfinished);
        }
    }

    /// <summary>Writes what rewriting did: the file that was read beside the model that came of it.</summary>
    /// <param name="path">The page.</param>
    /// <param name="input">The file that was read.</param>
    /// <param name="output">The file that was to be written; null for none.</param>
    /// <param name="model">The rewritten model.</param>
    /// <param name="report">What was done.</param>
    /// <param name="verification">Whether both compute the same.</param>
    public static void Write(string path, string input, string? output, Model model, OptimizeReport report, VerifyReport? verification)
    {
        var read = LoadedModel.Load(input);
        var before = ModelSide.Of(ModelFiles.Title(input), read.Model, read.Bytes);
        var after = ModelSide.Of(output is null ? "rewritten, not written" : ModelFiles.Title(output), model, File.Exists(output) ? LoadedModel.Load(output).Bytes : null);
        Write(path, new(ModelDiff.Of(before, after), report, verification));
    }
}
