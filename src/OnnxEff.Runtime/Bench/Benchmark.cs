using System.Diagnostics;
using OnnxEff.Ir;
using OnnxEff.Ir.Onnx;

namespace OnnxEff.Runtime;

/// <summary>A model to be measured.</summary>
/// <param name="Label">Its name in the table.</param>
/// <param name="Path">Its file.</param>
/// <param name="Graph">Its graph.</param>
/// <param name="Options">How it is opened; the benchmark sets the threads.</param>
public sealed record BenchModel(string Label, string Path, Graph Graph, LlmOptions? Options = null)
{
    /// <summary>Reads the file's graph; the label is the file's name, with its folder's where files are called model.onnx.</summary>
    public static BenchModel Load(string path, LlmOptions? options = null)
    {
        var name = System.IO.Path.GetFileNameWithoutExtension(path);
        var folder = System.IO.Path.GetFileName(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path)));
        return new(name == "model" && folder is { Length: > 0 } ? folder : name, path, OnnxReader.Load(path).Graph, options);
    }
}

/// <summary>What is measured.</summary>
public sealed record BenchOptions
{
    /// <summary>Threads of every model; 0 lets ONNX Runtime choose.</summary>
    public int Threads { get; init; }

    /// <summary>Lengths of prompts (tests "ppN").</summary>
    public IReadOnlyList<int> Prompts { get; init; } = [512];

    /// <summary>Numbers of tokens to generate one by one (tests "tgN").</summary>
    public IReadOnlyList<int> Generations { get; init; } = [128];

    /// <summary>Tokens that are in the cache before a test begins.</summary>
    public IReadOnlyList<int> Depths { get; init; } = [0];

    /// <summary>Timed repetitions of each test.</summary>
    public int Repetitions { get; init; } = 5;
}

/// <summary>
/// Measures prompts and generation in tokens per second. All models are loaded at once and take turns within each repetition,
/// so that a machine whose clock drifts treats them alike.
/// </summary>
public static class Benchmark
{
    const int Seed = 1;

    /// <summary>Runs all tests.</summary>
    /// <param name="models">The models, in the order of the table.</param>
    /// <param name="options">The tests.</param>
    /// <param name="onTest">Called with what is about to be measured.</param>
    /// <exception cref="ArgumentException">A size is not positive.</exception>
    public static BenchReport Run(IReadOnlyList<BenchModel> models, BenchOptions options, Action<string>? onTest = null)
    {
        if (options.Repetitions < 1 || options.Prompts.Concat(options.Generations).Any(n => n < 1) || options.Depths.Any(d => d < 0))
            throw new ArgumentException("Prompts, generations and repetitions are at least 1, depths at least 0.");

        var tests = (from depth in options.Depths
                     from test in options.Prompts.Select(n => (Tokens: n, IsPrompt: true))
                         .Concat(options.Generations.Select(n => (Tokens: n, IsPrompt: false)))
                     select (depth, test.Tokens, test.IsPrompt)).ToList();
        var room = tests.Count == 0 ? 1 : tests.Max(t => t.depth + t.Tokens);
        var sessions = new List<LlmSession>();
        try
        {
            foreach (var model in models) sessions.Add(Open(model, options.Threads, room));
            var rows = new List<BenchRow>();
            foreach (var (depth, tokens, isPrompt) in tests)
            {
                var name = $"{(isPrompt ? "pp" : "tg")}{tokens}{(depth > 0 ? $" @ d{depth}" : "")}";
                onTest?.Invoke(name);
                var samples = Measure(sessions, depth, tokens, isPrompt, options.Repetitions);
                rows.AddRange(models.Select((model, i) =>
                {
                    var size = ModelSize.Of(model.Path, model.Graph);
                    return new BenchRow(model.Label, size.Bytes, size.Parameters, $"ORT {OrtRuntime.Version} CPU", options.Threads,
                        sessions[i].Contract, name, samples[i]);
                }));
            }
            return new([.. rows.OrderBy(r => models.ToList().FindIndex(m => m.Label == r.Model))]);
        }
        finally
        {
            foreach (var session in sessions) session.Dispose();
        }
    }

    static LlmSession Open(BenchModel model, int threads, int room)
    {
        var given = model.Options ?? new();
        var config = new Dictionary<string, string>(given.Session.Config);
        // The threads of a model whose turn is over must not spin beside the next one's.
        config.TryAdd("session.force_spinning_stop", "1");
        return LlmSession.Open(model.Path, model.Graph, given with
        {
            Capacity = Math.Max(given.Capacity, room),
            Session = given.Session with { IntraOpThreads = threads, Config = config },
        });
    }

    static List<double>[] Measure(List<LlmSession> sessions, int depth, int tokens, bool isPrompt, int repetitions)
    {
        var samples = sessions.Select(_ => new List<double>()).ToArray();
        foreach (var session in sessions) Prepare(session, depth, isPrompt ? tokens : 1);
        for (var repetition = 0; repetition < repetitions; repetition++)
            for (var turn = 0; turn < sessions.Count; turn++)
            {
                var i = repetition % 2 == 0 ? turn : sessions.Count - 1 - turn;
                samples[i].Add(tokens / Time(sessions[i], tokens, isPrompt).TotalSeconds);
                sessions[i].Truncate(depth);
            }
        return samples;
    }

    // Fills the cache, and runs the test's own shape once untimed.
    static void Prepare(LlmSession session, int depth, int warmUp)
    {
        session.Reset();
        if (depth > 0) session.Forward(Tokens(session, depth)).Dispose();
        session.Forward(Tokens(session, warmUp)).Dispose();
        session.Truncate(depth);
    }

    static TimeSpan Time(LlmSession session, int tokens, bool isPrompt)
    {
        var ids = Tokens(session, tokens);
        var clock = Stopwatch.StartNew();
        if (isPrompt) session.Forward(ids).Dispose();
        else foreach (var id in ids) session.Forward(id).Dispose();
        return clock.Elapsed;
    }

    static int[] Tokens(LlmSession session, int count)
    {
        var vocabulary = (int)Math.Min(session.Signature.Vocabulary ?? 256, int.MaxValue);
        var random = new Random(Seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(vocabulary))];
    }
}
