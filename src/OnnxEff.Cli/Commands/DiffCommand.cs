using System.CommandLine;
using OnnxEff.Cli.Diff;
using OnnxEff.Cli.Html;
using OnnxEff.Cli.Json;
using OnnxEff.Cli.Shell;

namespace OnnxEff.Cli.Commands;

/// <summary><c>onnxeff diff</c>: what differs between two files.</summary>
static class DiffCommand
{
    public static Command Create(Terminal terminal)
    {
        var first = Options.Model("A");
        var second = Options.Model("B");
        var output = new Option<string>("--output", "-o") { Description = "Write the comparison with its drawings to this HTML file." };
        var force = new Option<bool>("--force") { Description = "Replace the file if it exists." };
        var json = Options.Json();
        return Verb.Create("diff", "Show what differs between two files, layer by layer, with drawings as a web page.",
            ["onnxeff diff model.onnx out.onnx", "onnxeff diff model.onnx out.onnx -o diff.html"],
            [first, second, output, force, json], parse =>
            {
                var page = parse.GetValue(output);
                string[] files = [ModelFiles.Input(parse.GetValue(first)!), ModelFiles.Input(parse.GetValue(second)!)];
                if (page is not null) PageFile.Check(page, parse.GetValue(force), files);
                var (before, after) = (LoadedModel.Load(files[0]), LoadedModel.Load(files[1]));
                var diff = terminal.Working("Comparing", _ => ModelDiff.Of(SideOf(before), SideOf(after)));
                if (page is not null) PageFile.Write(page, new DiffPage(diff));
                if (parse.GetValue(json)) terminal.Output.Write(JsonOutput.Text(DiffJson.Of(diff), JsonContracts.Readable.DiffJson));
                else Show(terminal, diff);
                if (page is not null) terminal.Log($"Wrote {page}.");
                return ExitCode.Done;
            });
    }

    static ModelSide SideOf(LoadedModel model) => ModelSide.Of(ModelFiles.Title(model.Path), model.Model, model.Bytes);

    static void Show(Terminal terminal, ModelDiff diff)
    {
        if (!diff.IsSame)
        {
            var (before, after, weights) = (diff.Before, diff.After, diff.Weights);
            terminal.Table(["", ">before", ">after", ">delta"],
            [
                Row("nodes", before.Size.Nodes, after.Size.Nodes, count => $"{count}"),
                Row("operators", before.Size.Operators.Count, after.Size.Operators.Count, count => $"{count}"),
                Row("weights", before.Size.WeightBytes, after.Size.WeightBytes, Quantity.Bytes),
                Row("weights found in one only", weights.GoneBytes, weights.NewBytes, Quantity.Bytes),
                Row("file", before.FileBytes ?? 0, after.FileBytes ?? 0, Quantity.Bytes),
            ]);
            terminal.Table(["part", ">nodes before", ">after", ""], diff.Groups.Select(group => (string[])[
                PageSections.Title(group), $"{group.First.Before?.Size ?? 0}", $"{group.First.After?.Size ?? 0}",
                string.Join(", ", ((string[])[group.Pairs.Count > 1 ? "each" : "", group.IsSame ? "the same" : ""]).Where(text => text.Length > 0))]));
        }
        terminal.Output.WriteLine(diff.Verdict);
    }

    static string[] Row(string name, long before, long after, Func<long, string> show) => [name, show(before), show(after), Quantity.Delta(before, after, show)];
}
