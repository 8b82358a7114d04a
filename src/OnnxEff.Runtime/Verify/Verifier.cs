using OnnxEff.Ir;
using OnnxEff.Ir.Onnx;
using OnnxEff.Ops.Llm;

namespace OnnxEff.Runtime;

/// <summary>A file to be compared.</summary>
/// <param name="Path">The file.</param>
/// <param name="Graph">Its graph.</param>
/// <param name="Options">How it is run.</param>
public sealed record VerifyModel(string Path, Graph Graph, LlmOptions? Options = null)
{
    /// <summary>Reads the file's graph.</summary>
    public static VerifyModel Load(string path, LlmOptions? options = null) => new(path, OnnxReader.Load(path).Graph, options);
}

/// <summary>What is compared, and how strictly.</summary>
public sealed record VerifyOptions
{
    /// <summary>Equal seeds give equal inputs.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Tokens of the longest random prompt.</summary>
    public int Length { get; init; } = 96;

    /// <summary>Prompts of the user's, compared too.</summary>
    public IReadOnlyList<int[]> Prompts { get; init; } = [];

    /// <summary>The largest relative difference that passes; null for what follows from the files' types.</summary>
    public double? Tolerance { get; init; }
}

/// <summary>
/// Runs two files on the same inputs and compares what they compute: prompts, chunks, single steps over the cache, padded
/// batches. Padding is never compared. A second file whose cache can be one shared buffer is run both ways. Graphs that are no
/// decoders run on random inputs that their types allow.
/// </summary>
public static class Verifier
{
    /// <summary>Compares two files.</summary>
    /// <param name="first">The file that is right by definition.</param>
    /// <param name="second">The other.</param>
    /// <param name="options">What is compared.</param>
    /// <param name="onCase">Called with what is about to run.</param>
    /// <exception cref="NotSupportedException">ONNX Runtime runs the first file on no input that can be made.</exception>
    /// <exception cref="OrtException">ONNX Runtime refuses a file.</exception>
    public static VerifyReport Compare(VerifyModel first, VerifyModel second, VerifyOptions? options = null, Action<string>? onCase = null)
    {
        options ??= new();
        if (options.Length < 4) throw new ArgumentException($"A length of {options.Length} tokens exercises nothing: 4 or more are needed.");
        var tolerance = options.Tolerance ?? Math.Max(Differences.ToleranceOf(first.Graph), Differences.ToleranceOf(second.Graph));
        if (!IsDecoder(first.Graph) || !IsDecoder(second.Graph)) return Report(tolerance, TensorComparison.Run(first, second, options, tolerance, onCase));

        // One session at a time: the observations are small, the models need not be.
        List<(Scenario Scenario, Observation Expected)> expected;
        string noPadding;
        using (var session = Open(first, null))
            expected = [.. Scenarios(session, options, out noPadding).Select(s => (s, Observe(session, s, "first file", onCase)))];

        var cases = new List<VerifyCase>();
        using (var session = Open(second, null))
        {
            cases.AddRange(expected.Select(e => Case(e.Scenario.Name, e.Expected, Observe(session, e.Scenario, "second file", onCase), tolerance)));
            if (noPadding.Length > 0) cases.Add(new("padded batch", noPadding, [], null, []));
            if (session.Signature.HasWindowCache) cases.Add(new("cache not shared", "a cache that holds a window of tokens is one buffer", [], null, []));
            if (session.Contract == KvContract.Concat || second.Options?.Contract is not null || session.Signature.HasWindowCache) return Report(tolerance, cases);
        }
        using (var session = Open(second, KvContract.Concat))
            cases.AddRange(expected.Where(e => e.Scenario.Calls.Count > 1).Select(e => Case($"{e.Scenario.Name}, cache not shared",
                e.Expected, Observe(session, e.Scenario, "second file, cache not shared", onCase), tolerance)));
        return Report(tolerance, cases);
    }

    /// <summary>The largest relative difference that files with values of these types may have.</summary>
    public static double ToleranceOf(Graph graph) => Differences.ToleranceOf(graph);

    static bool IsDecoder(Graph graph) => DecoderSignature.Recognise(graph, out _) is not null;

    static LlmSession Open(VerifyModel model, KvContract? contract)
    {
        var options = model.Options ?? new();
        return LlmSession.Open(model.Path, model.Graph,
            options with { Contract = contract ?? options.Contract, AcceptsAnyPadding = true });
    }

    static List<Scenario> Scenarios(LlmSession session, VerifyOptions options, out string noPadding)
    {
        var padding = session.Padding(out noPadding);
        using var probe = session.Forward(0);
        var scenarios = Scenario.Seeded(probe.Vocabulary, options.Length, padding, options.Seed).ToList();
        if (session.Signature.Caches.Count == 0) scenarios.RemoveAll(s => s.Calls.Count > 1);
        scenarios.AddRange(options.Prompts.Select((prompt, i) => new Scenario($"user prompt {i + 1}", [TokenBatch.Single(prompt)])));
        return scenarios;
    }

    static Observation Observe(LlmSession session, Scenario scenario, string who, Action<string>? onCase)
    {
        onCase?.Invoke($"{scenario.Name} ({who})");
        return Observation.Of(session, scenario);
    }

    static VerifyCase Case(string name, Observation expected, Observation actual, double tolerance)
    {
        var notes = new List<string>();
        var differences = new List<TensorDifference>();
        LogitDistanceMeter? meter = null;
        if (expected.Logits.Count != actual.Logits.Count || expected.Logits[0].Length != actual.Logits[0].Length)
        {
            notes.Add($"logits: {expected.Logits.Count} x {expected.Logits[0].Length} in the first file, "
                + $"{actual.Logits.Count} x {actual.Logits[0].Length} in the second");
            differences.Add(new("logits", double.PositiveInfinity, 1, false));
        }
        else
        {
            meter = new();
            for (var i = 0; i < expected.Logits.Count; i++) meter.Add(expected.Logits[i], actual.Logits[i]);
            differences.Add(Differences.Between("logits", expected.Logits, actual.Logits, tolerance));
        }

        foreach (var (cache, values) in expected.Caches)
        {
            if (!actual.Caches.TryGetValue(cache, out var others)) notes.Add($"{cache}: the second file has no such cache");
            else if (others.Length != values.Length) notes.Add($"{cache}: {values.Length} values in the first file, {others.Length} in the second");
            else differences.Add(Differences.Between(cache, [values], [others], tolerance));
        }
        return new(name, null, differences, meter?.Result, notes);
    }

    static VerifyReport Report(double tolerance, IReadOnlyList<VerifyCase> cases)
    {
        var reasons = cases.Where(c => !c.Passed).Select(c =>
        {
            var worst = c.Tensors.MaxBy(t => t.MaxRelative)!;
            var note = c.Notes.Count > 0 ? $" ({c.Notes[0]})" : "";
            return $"{c.Name}: {worst.Name} differs by {worst.MaxRelative:E1} of its largest value, {tolerance:E1} is allowed{note}.";
        }).ToList();
        return new(tolerance, cases, reasons);
    }
}
