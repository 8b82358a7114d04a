using System.Text.Json;
using OnnxEff.Ir.Onnx;
using OnnxEff.Tests.GraphPasses.Layers;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Cli;

public sealed class ExplainTests : IDisposable
{
    const string LeftNode = "/model/layers.1/self_attn/Softmax";
    const string Reason = "the softmax must run over the keys, the last axis";

    readonly TempFolder folder = new();
    readonly string broken;

    public ExplainTests()
    {
        broken = folder["broken.onnx"];
        OnnxWriter.Save(LayerReportTests.Broken(), broken);
    }

    [Fact]
    public void Explaining_prints_a_line_for_each_layer_and_meaning()
    {
        var lines = Explain(broken).Output.Split('\n').TakeWhile(line => line.Length > 0).ToArray();
        Assert.Single(lines, line => line.Contains($"{Reason} ", StringComparison.Ordinal) && line.Contains(LeftNode, StringComparison.Ordinal));
        foreach (var part in (string[])["0 | attention", "0 | rotary", "0 | norm", "0 | mlp", "0 | linear", "1 | norm", "1 | mlp", "1 | linear"])
            Assert.Single(lines, line => line.Contains($" {part} ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("norm")]
    [InlineData("raise-rms-norm")]
    public void A_meaning_or_a_pass_narrows_it(string only)
    {
        var lines = Explain(broken, only).Output.Split('\n').TakeWhile(line => line.Length > 0).Skip(2).ToArray();
        Assert.Equal(3, lines.Length);
        Assert.All(lines, line => Assert.Contains("| norm ", line));
    }

    [Fact]
    public void A_pass_shows_where_its_rules_ended()
    {
        var output = Explain(broken, "raise-layer-norm").Output;
        Assert.Contains("| raise-layer-norm-bias ", output);
        Assert.DoesNotContain("| raise-rms-norm ", output);
    }

    [Fact]
    public void What_is_no_pass_is_refused() => Demo.AssertFailed(2, Explain(broken, "fuse-everything"));

    [Fact]
    public void A_required_meaning_that_was_left_in_a_layer_writes_the_report_only_and_says_which()
    {
        var result = CliProcess.Run("optimize", broken, folder["out.onnx"], "--require", "norm,attention", "--report", folder["report.json"]);
        Demo.AssertFailed(4, result);
        Assert.Equal($"Required, but left in layer 1: attention ended at '{LeftNode}': {Reason}.", result.Error.Trim());
        Assert.Equal(["broken.onnx", "report.json"], folder.Names);
        using var report = JsonDocument.Parse(File.ReadAllText(folder["report.json"]));
        Assert.Contains(report.RootElement.GetProperty("layers").EnumerateArray(), line => line.GetProperty("layer").GetInt32() == 1
            && line.GetProperty("meaning").GetString() == "attention" && line.GetProperty("became").ValueKind == JsonValueKind.Null
            && line.GetProperty("node_name").GetString() == LeftNode && line.GetProperty("sentence").GetString() == Reason);
    }

    [Fact]
    public void A_required_meaning_that_is_whole_passes() =>
        Assert.Equal(0, CliProcess.Run("optimize", broken, folder["out.onnx"], "--require", "norm,mlp,linear", "--no-verify").ExitCode);

    public void Dispose() => folder.Dispose();

    static ToolResult Explain(string model, params string[] only) => CliProcess.Run(["optimize", model, "--dry-run", "--explain", .. only]);
}
