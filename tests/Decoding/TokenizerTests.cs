using System.Text.Json;
using OnnxEff.Decoding;
using OnnxEff.Runtime;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Decoding;

public class TokenizerTests
{
    static Tokenizer Load(params string[] path) => Tokenizer.Load(Fixtures.SharedModels(path));

    [Fact]
    public void The_held_out_chapters_become_the_reference_ids()
    {
        var tokenizer = Load("kjv", "tokenizer.json");
        var expected = TokenFile.Read(Fixtures.SharedModels("kjv", "valid.npy"));
        var chapters = File.ReadAllText(Fixtures.SharedModels("kjv", "valid.txt")).Split('\0', StringSplitOptions.RemoveEmptyEntries);

        int[] ids = [.. chapters.SelectMany(chapter => (int[])[0, .. tokenizer.Encode(chapter)])];

        Assert.Equal(expected.Length, ids.Length);
        Assert.Equal(expected, ids);
    }

    [Fact]
    public void The_evaluation_texts_become_the_reference_ids()
    {
        var tokenizer = Load("smollm2", "tokenizer.json");
        var folder = Fixtures.SharedModels("smollm2", "eval");
        var expected = TokenFile.Read(Path.Combine(folder, "eval.npy"));
        var documents = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "documents.json"))).RootElement;
        Assert.NotEmpty(documents.ToString());

        foreach (var file in Directory.EnumerateFiles(folder, "eval-*.txt"))
        {
            int[] ids = [0, .. tokenizer.Encode(File.ReadAllText(file))];
            Assert.True(expected.AsSpan().IndexOf(ids) >= 0, $"the ids of {Path.GetFileName(file)} are not in the stream");
        }
    }

    [Fact]
    public void Decoding_gives_the_text_back()
    {
        var tokenizer = Load("smollm2", "tokenizer.json");
        const string text = "Naïve — 12,345 tokens\n\n  of \"text\" 🙂 日本語\t<|im_start|>user";
        Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text)));
    }

    [Fact]
    public void Added_tokens_are_recognised_where_they_are_spelt_out()
    {
        var tokenizer = Load("smollm2", "tokenizer.json");
        Assert.Equal(1, tokenizer.Find("<|im_start|>"));
        Assert.Equal([1, .. tokenizer.Encode("user"), 2], tokenizer.Encode("<|im_start|>user<|im_end|>"));
    }

    [Fact]
    public void A_stream_holds_back_incomplete_characters()
    {
        var tokenizer = Load("kjv", "tokenizer.json");
        var ids = tokenizer.Encode("a🙂b");
        Assert.True(ids.Length > 3); // the emoji takes several tokens
        var stream = new TokenStream(tokenizer);
        string[] pieces = [.. ids.Select(stream.Append)];
        Assert.DoesNotContain('\uFFFD', string.Concat(pieces));
        Assert.Equal("a🙂b", string.Concat(pieces));
    }

    [Fact]
    public void A_long_run_of_one_letter_takes_no_quadratic_time()
    {
        var tokenizer = Load("kjv", "tokenizer.json");
        var clock = System.Diagnostics.Stopwatch.StartNew();
        var ids = tokenizer.Encode(new string('e', 300_000));
        Assert.NotEmpty(ids);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20), $"took {clock.Elapsed}");
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[1, 2")]
    [InlineData("""{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["a b"]}}""")]
    [InlineData("""{"model": {"type": "BPE", "vocab": {"a": "x"}, "merges": []}}""")]
    public void A_file_that_is_no_tokenizer_is_refused(string json)
    {
        var path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid()}.json");
        File.WriteAllText(path, json);
        try
        {
            Assert.Throws<InvalidDataException>(() => Tokenizer.Load(path));
        }
        finally
        {
            File.Delete(path);
        }
    }
}
