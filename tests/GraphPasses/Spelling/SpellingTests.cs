using System.Collections.Concurrent;
using System.Globalization;
using OnnxEff.Tests.Runtime;
using Xunit;

namespace OnnxEff.Tests.GraphPasses.Spelling;

/// <summary>
/// However a model is spelled, raising gives the same. Set ONNXEFF_SPELLINGS to the number of sequences for each model, and
/// ONNXEFF_SPELLING_SEED to the first seed, for a longer run, which then takes in the larger models too.
/// </summary>
public class SpellingTests
{
    const int LongestSequence = 10;

    static readonly int? Asked = Number("ONNXEFF_SPELLINGS");
    static readonly ConcurrentDictionary<string, IReadOnlyList<string>> Expected = [];

    public static TheoryData<string> Sketches => [.. SpellingModels.Sketches];

    public static TheoryData<string> Exported => [.. SpellingModels.Fixtures.Concat(Asked is null ? [] : SpellingModels.Shared)];

    [Theory]
    [MemberData(nameof(Sketches))]
    public void A_sketch_is_raised_alike_in_every_spelling(string model) => AssertAlike(model, Asked ?? 12);

    [Theory]
    [MemberData(nameof(Exported))]
    public void An_exported_model_is_raised_alike_in_every_spelling(string model) => AssertAlike(model, Asked ?? 6);

    static void AssertAlike(string name, int sequences)
    {
        Native.Require();
        var expected = Expected.GetOrAdd(name, n => SpellingModels.Raise(SpellingModels.Load(n)));
        var first = Number("ONNXEFF_SPELLING_SEED") ?? 1;
        var failures = new List<string>();
        for (var seed = first; seed < first + sequences; seed++)
        {
            if (Differs(name, seed, LongestSequence, expected, out _) is null)
                continue;
            // The shortest part of the sequence that shows it.
            for (var length = 1; length <= LongestSequence; length++)
            {
                if (Differs(name, seed, length, expected, out var log) is { } difference)
                {
                    failures.Add($"seed {seed}, after\n    {string.Join("\n    ", log)}\n  {difference}");
                    break;
                }
            }
        }
        Assert.True(failures.Count == 0, $"{failures.Count} of {sequences} spellings of {name} are raised to something else.\n{string.Join("\n", failures)}");
    }

    /// <summary>Applies the first mutations of a seed's sequence, raises, and says what differs.</summary>
    static string? Differs(string name, int seed, int length, IReadOnlyList<string> expected, out IReadOnlyList<string> log)
    {
        var m = new Manuscript(SpellingModels.Load(name), seed);
        var until = 1 + m.Random.Next(LongestSequence);
        for (var i = 0; i < Math.Min(until, length); i++)
            MutationList.All[m.Random.Next(MutationList.All.Count)].TryApply(m);
        log = m.Log;
        try
        {
            return RaisedForm.Difference(expected, SpellingModels.Raise(m.Model));
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return e.Message;
        }
    }

    static int? Number(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
