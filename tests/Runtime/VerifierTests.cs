using System.Text.Json;
using OnnxEff.Ir;
using OnnxEff.Ir.Onnx;
using OnnxEff.Runtime;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Runtime;

public class VerifierTests
{
    public VerifierTests() => Native.Require();

    static readonly LlmOptions Small = new() { Session = new() { IntraOpThreads = 1, Spinning = false } };

    static VerifyModel Cell(string cell) => VerifyModel.Load(Fixtures.SharedModels("matrix", cell, "model.onnx"), Small);

    [Theory]
    [InlineData("llama--dynamo23")]
    [InlineData("llama--ortopt")]
    [InlineData("llama--slim-optimum")]
    [InlineData("llama--ts17")]
    public void Exports_of_the_same_model_compute_the_same(string cell)
    {
        var report = Verifier.Compare(Cell("llama--optimum"), Cell(cell));
        Assert.True(report.Passed, report.Verdict);
        Assert.Equal(["prefill", "chunk", "decode", "decode from nothing", "padded batch", "padded batch, decode"],
            report.Cases.Select(c => c.Name));
        Assert.All(report.Cases, c => Assert.Equal(5, c.Tensors.Count)); // logits and four caches
        Assert.All(report.Cases, c => Assert.True(c.Logits!.TopOneAgreement > 0.99));
    }

    [Fact]
    public void A_file_with_a_shared_buffer_is_run_both_ways()
    {
        var report = Verifier.Compare(Cell("llama--genai-fp32"), Cell("llama--genai-fp32-ext"));
        Assert.True(report.Passed, report.Verdict);
        Assert.Contains(report.Cases, c => c.Name == "decode, cache not shared");
    }

    [Fact]
    public void A_batch_padded_on_the_other_side_is_a_difference()
    {
        var report = Verifier.Compare(Cell("llama--optimum"), Cell("llama--genai-fp32"));
        Assert.All(report.Cases.Where(c => !c.Name.StartsWith("padded", StringComparison.Ordinal)), c => Assert.True(c.Passed, c.Name));
        Assert.False(report.Cases.Single(c => c.Name == "padded batch").Passed);
    }

    [Fact]
    public void Another_model_differs_and_the_verdict_says_where()
    {
        var report = Verifier.Compare(Cell("llama--optimum"), Cell("mistral--optimum"), new() { Length = 16 });
        Assert.False(report.Passed);
        Assert.Contains("prefill: ", report.Verdict);
        Assert.True(report.Cases[0].Logits!.MeanKl > 0.01);
    }

    [Fact]
    public void Half_precision_has_its_own_tolerance()
    {
        var report = Verifier.Compare(Cell("llama--optimum"), Cell("llama--optimum-fp16"));
        Assert.Equal(2e-2, report.Tolerance);
        Assert.True(report.Passed, report.Verdict);
        Assert.True(report.Cases.Max(c => c.MaxRelative) > 1e-5);
    }

    [Fact]
    public void A_changed_weight_is_noticed()
    {
        var path = Fixtures.SharedModels("matrix", "llama--optimum", "model.onnx");
        var model = OnnxReader.Load(path);
        var weight = model.Graph.Initializers.Last(v => v.Initializer is { Element: ElementType.Float32, Rank: 2 });
        var values = weight.Initializer!.As<float>().ToArray();
        values[5] += 0.5f;
        weight.Initializer = Tensor.Create<float>(weight.Initializer.Dims, values);
        var changed = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid()}.onnx");
        File.WriteAllBytes(changed, OnnxWriter.ToBytes(model));
        try
        {
            var report = Verifier.Compare(Cell("llama--optimum"), VerifyModel.Load(changed, Small));
            Assert.False(report.Passed);
        }
        finally
        {
            File.Delete(changed);
        }
    }

    [Fact]
    public void The_users_prompt_is_a_case_of_its_own_and_the_report_is_json()
    {
        var report = Verifier.Compare(Cell("llama--optimum"), Cell("llama--optimum-ext"), new() { Length = 8, Prompts = [[1, 2, 3]] });
        var json = JsonDocument.Parse(report.ToJson()).RootElement;
        Assert.True(json.GetProperty("passed").GetBoolean());
        Assert.Contains(json.GetProperty("cases").EnumerateArray(), c => c.GetProperty("name").GetString() == "user prompt 1");
    }
}
