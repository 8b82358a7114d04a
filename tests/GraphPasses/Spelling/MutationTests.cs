using System.Collections.Concurrent;
using OnnxEff.Ir;
using OnnxEff.Ir.Onnx;
using OnnxEff.Tests.GraphPasses.Spelling.Mutations;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.GraphPasses.Spelling;

/// <summary>A mutation changes how a model is written, not what it computes.</summary>
public class MutationTests
{
    const int PlacesInEach = 2, Tries = 8;

    static readonly string[] Models = [.. SpellingModels.Sketches, "fixture/llama--optimum", "fixture/llama--dynamo18", "fixture/llama--ts17"];
    static readonly ConcurrentDictionary<string, (Dictionary<string, Tensor> Feeds, Dictionary<string, Tensor> Results)> Originals = [];

    /// <summary>They make places for others.</summary>
    static readonly Mutation[] Preparing = [new TransposeTwice(), new TransposeThereAndBack(), new TransposeTowardsOutputs(), new RepetitionSpelled()];

    public static TheoryData<string> Names => [.. MutationList.All.Select(m => m.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void It_keeps_what_is_computed(string mutation)
    {
        var tested = MutationList.All.Single(x => x.Name == mutation);
        var mutated = Models.SelectMany(m => Enumerable.Range(0, PlacesInEach).Select(seed => (m, seed))).Count(c => IsKept(tested, c.m, c.seed));
        if (mutated == 0)
            mutated = Models.SelectMany(m => Enumerable.Range(0, Tries).Select(seed => (m, seed))).Count(c => IsKept(tested, c.m, c.seed, Preparing));
        Assert.True(mutated > 0, "No model has a place for it.");
    }

    static bool IsKept(Mutation mutation, string model, int seed, params Mutation[] before)
    {
        var m = new Manuscript(SpellingModels.Load(model), seed);
        foreach (var preparing in before)
            preparing.TryApply(m);
        if (!mutation.TryApply(m))
            return false;
        var (feeds, expected) = Originals.GetOrAdd(model, Original);
        var place = $"{model}, {string.Join(", ", m.Log)}";
        var actual = Run(m.Model, feeds, place);
        try
        {
            Evaluated.AssertClose(expected, actual, 1e-5);
        }
        catch (Exception e)
        {
            Assert.Fail($"{place}: {e.Message}");
        }
        return true;
    }

    static (Dictionary<string, Tensor>, Dictionary<string, Tensor>) Original(string name)
    {
        var model = SpellingModels.Load(name);
        var feeds = RandomFeeds.For(model.Graph);
        return (feeds, Evaluated.Run(model, feeds));
    }

    static Dictionary<string, Tensor> Run(Model model, Dictionary<string, Tensor> feeds, string place)
    {
        try
        {
            return Evaluated.Run(OnnxReader.Parse(OnnxWriter.ToBytes(model)), feeds);
        }
        catch (InvalidOperationException e)
        {
            Assert.Fail($"{place}: {e.Message}");
            throw;
        }
    }
}
