using OnnxEff.Ir;
using OnnxEff.Ir.Onnx;
using OnnxEff.Ops.Llm;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Runtime;

public class DecoderSignatureTests
{
    public static TheoryData<string> Cells => [.. Fixtures.SharedFiles("model.onnx", "matrix").Where(IsDecoder)];

    static bool IsDecoder(string file) => !file.Contains("bert--", StringComparison.Ordinal);

    static Graph Load(string file)
    {
        if (file.Length == 0) Assert.Skip("The larger models are absent.");
        return OnnxReader.Load(Fixtures.SharedModels(file)).Graph;
    }

    static string? Named(Graph graph, string name) => graph.Inputs.FirstOrDefault(i => i.Name == name)?.Name;

    [Theory]
    [MemberData(nameof(Cells))]
    public void Inputs_and_outputs_mean_what_the_exporter_calls_them(string file)
    {
        var graph = Load(file);
        var signature = DecoderSignature.Recognise(graph, out var refusal);

        Assert.True(signature is not null, refusal);
        Assert.Equal("input_ids", signature.TokenIds.Name);
        Assert.Equal(Named(graph, "attention_mask"), signature.AttentionMask?.Name);
        Assert.Equal(Named(graph, "position_ids"), signature.PositionIds?.Name);
        Assert.Equal("logits", signature.Logits.Name);
        Assert.Equal(graph.Inputs.Count(i => i.Name.StartsWith("past_", StringComparison.Ordinal)), signature.Caches.Count);
        Assert.All(signature.Caches, pair =>
            Assert.Equal(pair.Past.Name.Replace("past_key_values", "present", StringComparison.Ordinal), pair.Present.Name));
        Assert.All(signature.Caches, pair => Assert.Equal(4, pair.Dims(1, 1).Length));
    }

    [Theory]
    [MemberData(nameof(Cells))]
    public void Names_are_not_needed(string file)
    {
        var graph = Load(file);
        // gpt2 and opt read tokens and positions alike, from tables of equal size: only a name tells them apart.
        if (file.Contains("gpt2", StringComparison.Ordinal)) Assert.Skip("Token and position tables of this cell have equal size.");
        var named = DecoderSignature.Recognise(graph, out _)!;
        var index = 0;
        foreach (var value in graph.Inputs.Concat(graph.Outputs)) value.Name = $"v{index++}";

        var signature = DecoderSignature.Recognise(graph, out var refusal);

        Assert.True(signature is not null, refusal);
        Assert.Same(named.TokenIds, signature.TokenIds);
        Assert.Same(named.AttentionMask, signature.AttentionMask);
        Assert.Same(named.PositionIds, signature.PositionIds);
        Assert.Same(named.Logits, signature.Logits);
        Assert.Equal(named.Caches.Select(c => (c.Past, c.Present)), signature.Caches.Select(c => (c.Past, c.Present)));
    }

    [Theory]
    [InlineData("llama--genai-fp32", true, true)]
    [InlineData("gpt_oss--genai-fp32", true, true)]
    [InlineData("llama--optimum", false, false)]
    [InlineData("llama--dynamo24", false, false)]
    public void Shared_buffers_and_row_lengths_follow_from_the_attention_operator(string cell, bool shared, bool rowLengths)
    {
        var signature = DecoderSignature.Recognise(Load(Path.Combine("matrix", cell, "model.onnx")), out _)!;
        Assert.Equal(shared, signature.AllowsSharedBuffers);
        Assert.Equal(rowLengths, signature.RowLengthsFromMask);
    }

    [Fact]
    public void An_encoder_is_no_decoder()
    {
        var signature = DecoderSignature.Recognise(Load(Path.Combine("matrix", "bert--optimum", "model.onnx")), out var refusal);
        Assert.Null(signature);
        Assert.Contains("neither a cache", refusal);
    }
}
