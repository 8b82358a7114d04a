using System.Text.Json;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Cli;

/// <summary>What the tool is for, from the outside, on the model in the repository.</summary>
public sealed class MainJobTests : IDisposable
{
    const string Prompt = "0,33,261,357,476,290,628,288";

    readonly TempFolder folder = new();

    [Theory]
    [InlineData("ort")]
    [InlineData("onnx")]
    public void A_rewritten_model_is_verified_smaller_and_says_the_same(string target)
    {
        var report = Json("optimize", Demo.Model, folder["out.onnx"], "--target", target, "--json");
        Assert.True(report.GetProperty("verification").GetProperty("passed").GetBoolean());
        Assert.True(report.GetProperty("after").GetProperty("nodes").GetInt32() * 2 < report.GetProperty("before").GetProperty("nodes").GetInt32());
        Assert.Equal(6, report.GetProperty("layers").EnumerateArray().Count(layer => layer.GetProperty("meaning").GetString() == "attention"));
        Assert.Equal(Tokens(Demo.Model), Tokens(folder["out.onnx"]));
    }

    [Fact]
    public void A_required_pass_that_changes_nothing_writes_nothing()
    {
        Demo.AssertFailed(4, CliProcess.Run("optimize", Demo.Model, folder["out.onnx"], "--require", "inline-functions"));
        Assert.Empty(folder.Names);
    }

    [Theory]
    [InlineData("onnxeff")]
    [InlineData("ort")]
    [InlineData("onnx")]
    public void An_encoder_is_rewritten_and_verified(string target)
    {
        if (target == "onnxeff") OperatorLibrary.Require();
        var report = Json("optimize", Fixtures.Shared("matrix", "bert--optimum"), folder["out.onnx"], "--target", target, "--json", "--require", "attention,norm,mlp");
        Assert.Equal(5, report.GetProperty("verification").GetProperty("cases").GetArrayLength());
    }

    [Fact]
    public void Inspection_counts_the_layers()
    {
        var facts = Json("inspect", Demo.Model, "--json");
        Assert.Equal(6, facts.GetProperty("layers").GetArrayLength());
        Assert.Equal(2048, facts.GetProperty("vocabulary").GetInt64());
    }

    public void Dispose() => folder.Dispose();

    static string Tokens(string model) => Json("generate", model, "--ids", Prompt, "-n", "24", "--json").GetProperty("tokens").GetRawText();

    static JsonElement Json(params string[] arguments)
    {
        var result = CliProcess.Run(arguments);
        Assert.True(result.ExitCode == 0, result.Error);
        using var document = JsonDocument.Parse(result.Output);
        return document.RootElement.Clone();
    }
}
