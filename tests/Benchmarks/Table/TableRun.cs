using System.Diagnostics;
using System.Text.Json;
using OnnxEff.Cli;
using OnnxEff.Runtime;

namespace OnnxEff.Benchmarks.Table;

/// <summary>Measures the rows of one model that are not measured yet: first what each is worth, then, all beside the base, how fast they are.</summary>
/// <param name="tool">The command line.</param>
/// <param name="store">Rows measured before.</param>
/// <param name="folder">Where the models are written.</param>
/// <param name="tell">Gets what is being done.</param>
sealed class TableRun(PublishedTool tool, RowStore store, string folder, Action<string> tell)
{
    // Models of a group are in memory at once; the base is with each group.
    const int Group = 4;

    readonly Dictionary<string, string> failures = [];

    /// <summary>Measure rows that are measured already.</summary>
    public bool Redo { get; init; }

    /// <summary>Leave speed for another run, when nothing else is on the machine; the models are kept for it.</summary>
    public bool WithoutSpeed { get; init; }

    /// <summary>Why a row has no figures, by the form's name.</summary>
    public IReadOnlyDictionary<string, string> Failures => failures;

    /// <summary>Measures some forms of a model.</summary>
    public void Measure(TableModel model, IReadOnlyList<TableForm> forms)
    {
        for (int i = 0; i < forms.Count; i++)
        {
            if (!Redo && store.Find(model, forms[i]) is { } known and ({ Perplexity: not null } or { Refusal: not null }))
            {
                tell($"[{model.Name} {i + 1}/{forms.Count}] {forms[i].Name}: measured before");
                continue;
            }
            tell($"[{model.Name} {i + 1}/{forms.Count}] {forms[i].Name}");
            var clock = Stopwatch.StartNew();
            if (Quality(model, forms[i]) is { } row) store.Save(row, forms[i]);
            tell($"  done in {clock.Elapsed.TotalSeconds:F0} s");
        }
        if (WithoutSpeed) return;
        TableForm[] slow = [.. forms.Where(form => store.Find(model, form) is { Perplexity: not null, Generation: null })];
        TableForm start = model.Forms.Single(form => form.Name == TableForm.Base);
        foreach (TableForm[] group in slow.Where(form => form != start).Chunk(Group).DefaultIfEmpty([]))
            if (group.Length > 0 || slow.Length > 0) Speeds(model, start, group);
        if (forms.All(form => store.Find(model, form) is not { Perplexity: not null, Generation: null })) Delete(model, start);
    }

    TableRow? Quality(TableModel model, TableForm form)
    {
        var row = Make(model, form, new(model.Name, form.Name, tool.Build));
        if (row is null or { Refusal: not null }) return row;
        string path = PathOf(model, form);
        ToolAnswer answer = tool.Run(["eval", path, "--json", "--reference", model.Original, .. model.Evaluation]);
        if (answer.Code != 0) return Failed(model, form, answer);
        PerplexityReport report = JsonSerializer.Deserialize(answer.Output, RuntimeJson.Default.PerplexityReport)!;
        return row with
        {
            FileBytes = StoredBits.FileBytes(path),
            BitsPerWeight = row.BitsPerWeight ?? StoredBits.PerWeight(path),
            Perplexity = report.Perplexity,
            Kl = report.ToReference?.MeanKl,
            TopOneAgreement = report.ToReference?.TopOneAgreement,
        };
    }

    /// <summary>The row with what the tool says of its making; null where that failed.</summary>
    TableRow? Make(TableModel model, TableForm form, TableRow row)
    {
        if (form.Given is { } given)
        {
            if (File.Exists(given)) return row;
            failures[form.Name] = $"'{Path.GetFileName(given)}' does not exist where it was looked for.";
            return null;
        }
        string path = PathOf(model, form);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        if (Redo) DeleteWork(path);
        bool goesOn = WorkOf(path).Length > 0;
        ToolAnswer answer = tool.Run([.. form.Make!(model, path), "--force", "--json"]);
        if (answer.Code == (int)ExitCode.RequiredPassMatchedNothing) return row with { Refusal = Reason(model, answer) };
        if (answer.Code != 0) return Failed(model, form, answer);
        if (form.Family == FormFamily.Fp32) return row;
        using var result = JsonDocument.Parse(answer.Output);
        return row with
        {
            BitsPerWeight = result.RootElement.GetProperty("bits_per_weight").GetDouble(),
            Seconds = goesOn ? null : result.RootElement.GetProperty("seconds").GetDouble(), // Part of a run is no figure.
            PeakBytes = result.RootElement.GetProperty("peak_bytes").GetInt64(),
        };
    }

    void Speeds(TableModel model, TableForm start, TableForm[] group)
    {
        tell($"[{model.Name}] speed of {string.Join(", ", group.Prepend(start).Select(form => form.Name))}");
        TableForm[] all = [start, .. group];
        // A model that was deleted after an earlier measurement is made again.
        foreach (TableForm form in all.Where(form => !File.Exists(PathOf(model, form))))
            if (Make(model, form, new(model.Name, form.Name, tool.Build)) is null or { Refusal: not null }) return;
        ToolAnswer answer = tool.Run(["bench", .. all.Select(form => PathOf(model, form)), "-p", "512", "-n", "128", "--output", "json"]);
        if (answer.Code != 0)
        {
            foreach (TableForm form in group) Failed(model, form, answer);
            return;
        }
        // In the order of the command line, test by test.
        ILookup<string, BenchRow> tests = JsonSerializer.Deserialize(answer.Output, RuntimeJson.Default.BenchReport)!.Rows.ToLookup(row => row.Test);
        for (int i = 0; i < all.Length; i++)
        {
            if (store.Find(model, all[i]) is not { } row) continue;
            store.Save(row with { Generation = At("tg128", i), Prompt = At("pp512", i) }, all[i]);
            if (i > 0) Delete(model, all[i]);
        }

        Speed At(string test, int i)
        {
            BenchRow[] rows = [.. tests[test]];
            return new(rows[i].Mean, rows[i].Deviation, rows[i].Mean / rows[0].Mean);
        }
    }

    TableRow? Failed(TableModel model, TableForm form, ToolAnswer answer)
    {
        failures[form.Name] = $"exit code {answer.Code}: {Reason(model, answer)}";
        tell($"  {form.Name} failed with {failures[form.Name]}");
        return null;
    }

    // The page is for readers of other machines, whose folders are not ours.
    static string Reason(TableModel model, ToolAnswer answer) => answer.LastError.Replace(model.Original, Path.GetFileName(model.Original), StringComparison.Ordinal);

    void Delete(TableModel model, TableForm form)
    {
        if (form.Given is not null || Path.GetDirectoryName(PathOf(model, form)) is not { } parent || !Directory.Exists(parent)) return;
        foreach (string file in Directory.GetFiles(parent, $"{Path.GetFileName(PathOf(model, form))}*")) File.Delete(file);
        DeleteWork(PathOf(model, form));
    }

    static void DeleteWork(string path)
    {
        foreach (string folder in WorkOf(path)) Directory.Delete(folder, recursive: true);
    }

    // What a run of compress that was cut off left beside its output.
    static string[] WorkOf(string path) => Directory.GetDirectories(Path.GetDirectoryName(path)!, $".{Path.GetFileName(path)}.*.work");

    string PathOf(TableModel model, TableForm form) => form.Given ?? Path.Combine(folder, model.Name, $"{form.FileName}.onnx");
}
