using System.Text.Json;
using OnnxEff.Runtime;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Runtime;

public class PerplexityTests
{
    public PerplexityTests() => Native.Require();

    static LlmSession Open(string folder, string file = "optimum.onnx") =>
        LlmSession.Open(Fixtures.SharedModels("kjv", folder, file));

    static int[] Valid => TokenFile.Read(Fixtures.SharedModels("kjv", "valid.npy"));

    [Theory]
    [InlineData("kjv-base", "optimum.onnx")]
    [InlineData("kjv-draft", "optimum.onnx")]
    [InlineData("kjv-mix", "ts17.onnx")]
    public void Each_window_scores_as_the_reference_does(string folder, string file)
    {
        using var session = Open(folder, file);
        var reference = JsonDocument.Parse(File.ReadAllText(Fixtures.SharedModels("kjv", "reference.json"))).RootElement;
        var expected = reference.GetProperty(folder).GetProperty("window_nll").EnumerateArray().Select(e => e.GetDouble()).ToArray();

        var report = PerplexityMeter.Measure(session, Valid, new() { Window = 512, ScoresBeyondWindow = true, MaxWindows = 6 });

        Assert.Equal(6 * 512, report.Scored);
        for (var w = 0; w < 6; w++) Assert.Equal(expected[w], report.WindowNll[w], 1e-4);
    }

    [Fact]
    public void The_stream_is_cut_into_as_many_windows_as_it_holds()
    {
        using var session = Open("kjv-draft");
        var tokens = Valid.AsSpan(0, 100);
        Assert.Equal(4 * 24, PerplexityMeter.Measure(session, tokens, new() { Window = 24, ScoresBeyondWindow = true }).Scored);
        Assert.Equal(4 * 23, PerplexityMeter.Measure(session, tokens, new() { Window = 24 }).Scored);
    }

    [Fact]
    public void A_shorter_stride_scores_each_token_once_with_more_context()
    {
        using var session = Open("kjv-draft");
        var tokens = Valid.AsSpan(0, 257);
        var far = PerplexityMeter.Measure(session, tokens, new() { Window = 64, ScoresBeyondWindow = true });
        var near = PerplexityMeter.Measure(session, tokens, new() { Window = 64, Stride = 16, ScoresBeyondWindow = true });
        Assert.Equal(256, far.Scored);
        Assert.Equal(256, near.Scored);
        Assert.True(near.MeanNll < far.MeanNll);
    }

    [Fact]
    public void A_longer_stride_leaves_out_the_text_between_windows()
    {
        using var session = Open("kjv-draft");
        var apart = PerplexityMeter.Measure(session, Valid.AsSpan(0, 5 * 64 + 1), new() { Window = 64, Stride = 192, ScoresBeyondWindow = true });
        var all = PerplexityMeter.Measure(session, Valid.AsSpan(0, 5 * 64 + 1), new() { Window = 64, ScoresBeyondWindow = true });
        Assert.Equal([all.WindowNll[0], all.WindowNll[3]], apart.WindowNll);
        Assert.Equal(128, apart.Scored);
    }

    [Fact]
    public void A_model_is_no_distance_from_itself_and_some_from_another()
    {
        using var draft = Open("kjv-draft");
        using var big = Open("kjv-base");
        PerplexityOptions options = new() { Window = 64, MaxWindows = 2 };
        var same = PerplexityMeter.Measure(draft, Valid, options, draft).ToReference!;
        Assert.Equal(1, same.TopOneAgreement);
        Assert.Equal(0, same.MaxKl, 1e-9);
        var other = PerplexityMeter.Measure(draft, Valid, options, big).ToReference!;
        Assert.InRange(other.MeanKl, 0.05, 2);
        Assert.Equal(126, other.Positions);
    }

    [Fact]
    public void A_text_shorter_than_a_window_is_refused()
    {
        using var session = Open("kjv-draft");
        Assert.Throws<ArgumentException>(() => PerplexityMeter.Measure(session, [1, 2, 3], new() { Window = 8 }));
    }

    [Fact]
    public void A_truncated_token_file_is_refused()
    {
        var path = Path.GetTempFileName();
        File.WriteAllBytes(path, File.ReadAllBytes(Fixtures.SharedModels("kjv", "valid.npy"))[..200]);
        Assert.Throws<InvalidDataException>(() => TokenFile.Read(path));
        File.WriteAllText(path, "no array");
        Assert.Throws<InvalidDataException>(() => TokenFile.Read(path));
        File.Delete(path);
    }

    [Theory]
    [InlineData("[3, 1, 2]", 3, 1, 2)]
    [InlineData("[[3, 1], [], [2]]", 3, 1, 2)]
    [InlineData("[]")]
    public void Ids_in_json_are_a_list_or_a_list_of_lists(string json, params int[] ids)
    {
        using var folder = new TempFolder();
        File.WriteAllText(folder["ids.json"], json);
        Assert.Equal(ids, TokenFile.Read(folder["ids.json"]));
    }

    [Theory]
    [InlineData("[1, 2", "is no JSON: line 1 cannot be read.")]
    [InlineData("{\"ids\": [1]}", "it holds {\"ids\": [1]}.")]
    [InlineData("[1, 2.5]", "it holds 2.5.")]
    [InlineData("[1, \"two\"]", "it holds \"two\".")]
    [InlineData("[[1, [2]]]", "it holds [2].")]
    [InlineData("[4294967296]", "it holds 4294967296.")]
    public void Other_json_is_refused_with_what_it_holds(string json, string end)
    {
        using var folder = new TempFolder();
        File.WriteAllText(folder["ids.json"], json);
        var fault = Assert.Throws<InvalidDataException>(() => TokenFile.Read(folder["ids.json"]));
        Assert.StartsWith($"'{folder["ids.json"]}' is ", fault.Message, StringComparison.Ordinal);
        Assert.EndsWith(end, fault.Message, StringComparison.Ordinal);
    }
}
