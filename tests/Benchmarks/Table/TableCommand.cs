using System.CommandLine;
using OnnxEff.Benchmarks.Limits;
using OnnxEff.Benchmarks.Running;
using OnnxEff.Benchmarks.Table.Page;
using OnnxEff.Cli;
using OnnxEff.Runtime;

namespace OnnxEff.Benchmarks.Table;

/// <summary><c>table low-bit</c>: measures every stored form of two models and writes the page of the documentation.</summary>
static class TableCommand
{
    static readonly string Work = Path.Combine("artifacts", "table");

    public static Command Create()
    {
        var models = Choice("--model", "Only these models.", [.. TableModel.All("", "", "").Select(model => model.Name)]);
        var only = Choice("--only", "Only these rows.", [.. TableModel.All("", "", "").SelectMany(model => model.Forms).Select(form => form.Name).Distinct()]);
        var redo = new Option<bool>("--redo") { Description = "Measure the chosen rows again." };
        var withoutSpeed = new Option<bool>("--without-speed") { Description = "Leave tokens per second for a later run, which takes them when the machine does nothing else." };
        var anyBuild = new Option<bool>("--any-build") { Description = "Keep rows that another build of the tool measured; the page marks them." };
        var threads = new Option<int>("--threads") { Description = "Threads.", DefaultValueFactory = _ => 2 };
        var shared = new Option<string?>("--models") { Description = "The folder of larger models; by default where ONNXEFF_SHARED_MODELS says, or ../shared/models." };
        var smolLm2 = File("--smollm2", "SmolLM2's optimum export with its weights, as materialize.py leaves it.", "optimum");
        var genai = File("--genai-int4", "The int4 file of onnxruntime-genai's builder, from the same script.", "genai-int4");
        var output = new Option<string>("--output") { Description = "Folder for low-bit.md and low-bit.svg.", DefaultValueFactory = _ => "docs" };
        var lowBit = new Command("low-bit", """
            Quality, size and speed of two models in every stored form, measured with the published command line, as docs/low-bit.md with a
            diagram beside it. Each row is kept in artifacts/table, so that a run that was cut off goes on where it was.

            Example: ./build.sh table low-bit --model kjv-base --only vq:2 int4
            """)
        { models, only, redo, withoutSpeed, anyBuild, threads, shared, smolLm2, genai, output };
        lowBit.SetAction(parse =>
        {
            IReadOnlyList<TableModel> all = TableModel.All(parse.GetValue(shared), parse.GetValue(smolLm2)!, parse.GetValue(genai)!);
            TableModel[] chosen = [.. all.Where(model => parse.GetValue(models) is not [_, ..] names || names.Contains(model.Name))];
            if (chosen.Select(model => model.Missing).FirstOrDefault(missing => missing is not null) is { } sentence) return Refuse(sentence);
            if (PublishedTool.Find(out string reason) is not { } executable) return Refuse(reason);
            if (Needed.Find() is not { } library) return (int)ExitCode.InputOutput;

            var tool = new PublishedTool(executable, parse.GetValue(threads), Console.Error.WriteLine);
            var store = new RowStore(Path.Combine(Work, "rows"), tool.Build, parse.GetValue(anyBuild));
            var sections = new List<PageSection>();
            foreach (TableModel model in all)
            {
                var run = new TableRun(tool, store, Path.Combine(Work, "models"), Console.Error.WriteLine) { Redo = parse.GetValue(redo), WithoutSpeed = parse.GetValue(withoutSpeed) };
                if (chosen.Contains(model)) run.Measure(model, [.. model.Forms.Where(form => parse.GetValue(only) is not [_, ..] names || names.Contains(form.Name) || form.Name == TableForm.Base)]);
                sections.Add(new(model.Title, model.Protocol, [.. model.Forms.Select(form => new PageRow(form, store.Find(model, form), run.Failures.GetValueOrDefault(form.Name)))]));
            }
            var facts = new PageFacts(Machine.Processor, Machine.LevelOf(library), parse.GetValue(threads), OrtRuntime.Version, tool.Build);
            var page = new LowBitPage(facts, sections);
            string folder = Directory.CreateDirectory(parse.GetValue(output)!).FullName;
            System.IO.File.WriteAllText(Path.Combine(folder, "low-bit.md"), page.ToMarkdown());
            System.IO.File.WriteAllText(Path.Combine(folder, "low-bit.svg"), page.ToSvg());
            Console.Out.WriteLine(Path.Combine(parse.GetValue(output)!, "low-bit.md"));
            return (int)ExitCode.Done;
        });
        return new Command("table", "Measures whole models and writes a page of the documentation.") { lowBit };
    }

    static int Refuse(string sentence)
    {
        Console.Error.WriteLine(sentence);
        return (int)ExitCode.InputOutput;
    }

    static Option<string[]> Choice(string name, string description, string[] values)
    {
        var option = new Option<string[]>(name) { Description = description, AllowMultipleArgumentsPerToken = true };
        option.AcceptOnlyFromAmong(values);
        return option;
    }

    static Option<string> File(string name, string description, string export) =>
        new(name) { Description = description, DefaultValueFactory = _ => Path.Combine(Work, export, "model.onnx") };
}
