using System.Text.Json;
using OnnxEff.Decoding;
using OnnxEff.Runtime;
using OnnxEff.Tests.Runtime;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Decoding;

public class GeneratorTests
{
    public GeneratorTests() => Native.Require();

    static LlmSession Open(string folder, string file = "optimum.onnx") =>
        LlmSession.Open(Fixtures.SharedModels("kjv", folder, file));

    static int[] Ids(JsonElement list) => [.. list.EnumerateArray().Select(e => e.GetInt32())];

    [Theory]
    [InlineData("kjv-base", "optimum.onnx")]
    [InlineData("kjv-draft", "optimum.onnx")]
    [InlineData("kjv-mix", "ts17.onnx")]
    public void Greedy_tokens_are_those_of_the_reference(string folder, string file)
    {
        using var session = Open(folder, file);
        var reference = JsonDocument.Parse(File.ReadAllText(Fixtures.SharedModels("kjv", "reference.json"))).RootElement;
        var tokenizer = Tokenizer.Load(Fixtures.SharedModels("kjv", "tokenizer.json"));
        foreach (var sample in reference.GetProperty(folder).GetProperty("greedy").EnumerateArray())
        {
            var all = Ids(sample.GetProperty("ids")); // prompt and continuation
            var generation = Generator.Generate(session, all.AsSpan(0, all.Length - 64), new() { MaxTokens = 64 });
            Assert.Equal(all[^64..], generation.Tokens);
            Assert.Equal(sample.GetProperty("text").GetString(), tokenizer.Decode(all.AsSpan(1)));
        }
    }

    [Fact]
    public void A_stop_token_ends_the_text_and_is_part_of_it()
    {
        using var session = Open("kjv-draft");
        var all = Generator.Generate(session, [0, 5], new() { MaxTokens = 12 }).Tokens;
        var stop = all[6];
        var cut = Generator.Generate(session, [0, 5], new() { MaxTokens = 12, StopTokens = [stop] }).Tokens;
        Assert.Equal(all.Take(all.ToList().IndexOf(stop) + 1), cut);
    }

    [Fact]
    public void Each_token_is_reported_as_it_comes()
    {
        using var session = Open("kjv-draft");
        var seen = new List<int>();
        var generation = Generator.Generate(session, [0], new() { MaxTokens = 5 }, seen.Add);
        Assert.Equal(generation.Tokens, seen);
        Assert.Equal(5, seen.Count);
    }

    [Fact]
    public void Equal_seeds_sample_equal_tokens()
    {
        using var session = Open("kjv-draft");
        var options = new GenerationOptions { MaxTokens = 20, Sampling = new() { Temperature = 1, TopK = 50, TopP = 0.95, Seed = 7 } };
        var first = Generator.Generate(session, [0, 9], options).Tokens;
        Assert.Equal(first, Generator.Generate(session, [0, 9], options).Tokens);
        var other = options with { Sampling = options.Sampling with { Seed = 8 } };
        Assert.NotEqual(first, Generator.Generate(session, [0, 9], other).Tokens);
    }

    [Fact]
    public void A_sampler_draws_in_proportion_within_its_bounds()
    {
        float[] logits = [MathF.Log(0.5f), MathF.Log(0.3f), MathF.Log(0.15f), MathF.Log(0.05f)];
        var sampler = new Sampler(new() { Temperature = 1, TopP = 0.8, Seed = 3 });
        var counts = new int[4];
        for (var i = 0; i < 8000; i++) counts[sampler.Pick(logits)]++;
        Assert.Equal(0, counts[2] + counts[3]);
        Assert.InRange(counts[0] / 8000.0, 0.60, 0.65); // 0.5 of 0.8
    }

    [Theory]
    [InlineData(-1, 0, 1)]
    [InlineData(double.NaN, 0, 1)]
    [InlineData(1, -1, 1)]
    [InlineData(1, 0, 0)]
    public void Impossible_sampling_is_refused(double temperature, int topK, double topP) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new Sampler(new() { Temperature = temperature, TopK = topK, TopP = topP }));
}
