using System.Globalization;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using System.Text.Json;
using System.Text.RegularExpressions;
using OnnxEff.Ir;
using OnnxEff.Ir.Onnx;
using OnnxEff.Tests.Cli;
using OnnxEff.Tests.Runtime;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Compression;

/// <summary><c>onnxeff compress</c> on the demo model.</summary>
public sealed class CompressCommandTests : IDisposable
{
    static readonly string Text = Path.Combine(Fixtures.Root, "models", "kjv", "valid.npy");

    readonly TempFolder folder = new();

    public CompressCommandTests() => Native.Require();

    public void Dispose() => folder.Dispose();

    ToolResult Compress(string output, string weights, params string[] more) =>
        CliProcess.Run(["compress", Demo.Model, folder[output], "--weights", weights, "--calibration", Text, "--calibration-tokens", "2048", .. more]);

    [Fact]
    public void Integers_run_without_the_operator_library_and_are_counted_with_all_that_belongs_to_them()
    {
        var run = Compress("int4.onnx", "int4", "--json");
        Assert.True(run.ExitCode == 0, run.Error);
        using var json = JsonDocument.Parse(run.Output);
        Assert.Equal(4423680, json.RootElement.GetProperty("weights").GetInt64());
        Assert.Equal(4 + 36 / 32.0, json.RootElement.GetProperty("bits_per_weight").GetDouble(), 1e-9); // an fp32 scale and a zero point for each 32
        Assert.InRange(json.RootElement.GetProperty("worst_error").GetDouble(), 1e-5, 0.01);
        Assert.StartsWith("30 matrices with 4.42 M weights at about 5.13 bits, 2048 tokens of calibration; about ", run.Error, StringComparison.Ordinal);
        var nodes = OnnxReader.Load(folder["int4.onnx"]).Graph.Nodes.ToArray();
        Assert.DoesNotContain(nodes, node => node.Domain == "onnxeff");
        var integers = nodes.Where(node => node.OpType == "MatMulNBits").ToArray();
        Assert.NotEmpty(integers);
        Assert.All(integers, node => Assert.Equal(4, node.Int("accuracy_level")));
        Assert.Equal(["int4.onnx"], folder.Names);
        Assert.InRange(KjvWindows.Ratio(folder["int4.onnx"], count: 3), 0.98, 1.01);
    }

    [Fact]
    public void What_it_says_before_is_enough_memory_and_not_five_times_too_much()
    {
        var run = Compress("int4.onnx", "int4", "--json");
        Assert.True(run.ExitCode == 0, run.Error);
        using var json = JsonDocument.Parse(run.Output);
        var said = Regex.Match(run.Error, @"about ([\d.]+) MiB of memory and (less than a minute|\d+ min)\.");
        Assert.True(said.Success, run.Error);
        var bytes = double.Parse(said.Groups[1].ValueSpan, CultureInfo.InvariantCulture) * (1 << 20);
        Assert.InRange(json.RootElement.GetProperty("peak_bytes").GetInt64(), bytes / 5, bytes);
    }

    [Fact]
    public void The_same_seed_gives_the_same_file_on_any_number_of_threads()
    {
        OperatorLibrary.Require();
        Assert.Equal(0, Compress("one.onnx", "vq:3", "--threads", "1").ExitCode);
        Assert.Equal(0, Compress("two.onnx", "vq:3", "--threads", "2").ExitCode);
        Assert.Equal(File.ReadAllBytes(folder["one.onnx"]), File.ReadAllBytes(folder["two.onnx"]));
    }

    public static TheoryData<string> Levels => [.. new[] { "baseline", Avx2.IsSupported ? "v3" : null, Vector512.IsHardwareAccelerated ? "v4" : null }.OfType<string>()];

    [Theory]
    [MemberData(nameof(Levels))]
    public void Every_level_of_instructions_quantises_as_well(string level)
    {
        OperatorLibrary.Require();
        var run = CliProcess.RunWith(new() { ["ONNXEFF_ISA"] = level }, "compress", Demo.Model, folder["out.onnx"], "--weights", "vq:3", "--calibration", Text, "--calibration-tokens", "2048", "--accuracy-level", "0");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.InRange(KjvWindows.Ratio(folder["out.onnx"], count: 3), 0.99, 1.02);
    }

    [Fact]
    public void A_run_that_was_killed_goes_on_and_gives_the_same_file()
    {
        OperatorLibrary.Require();
        Assert.Equal(0, Compress("whole.onnx", "vq:3").ExitCode);
        using (var process = CliProcess.Start("compress", Demo.Model, folder["cut.onnx"], "--weights", "vq:3", "--calibration", Text, "--calibration-tokens", "2048"))
        {
            while (!process.HasExited && !Directory.EnumerateFiles(folder.Path, "site-4", SearchOption.AllDirectories).Any()) Thread.Sleep(5);
            Assert.False(process.HasExited, "it was done before it could be killed");
            process.Kill();
            process.WaitForExit();
        }
        Assert.DoesNotContain("cut.onnx", folder.Names);
        Assert.True(File.Exists(Directory.EnumerateFiles(folder.Path, "site-4", SearchOption.AllDirectories).Single()));
        Assert.Equal(0, Compress("cut.onnx", "vq:3").ExitCode);
        Assert.Equal(File.ReadAllBytes(folder["whole.onnx"]), File.ReadAllBytes(folder["cut.onnx"]));
        Assert.Equal(["cut.onnx", "whole.onnx"], folder.Names);
    }

    [Fact]
    public void A_mean_rate_is_kept_with_all_side_data()
    {
        OperatorLibrary.Require();
        var run = CliProcess.Run("compress", Demo.Model, folder["out.onnx"], "--target-bpw", "1.67", "--calibration", Text, "--calibration-tokens", "2048", "--json");
        Assert.True(run.ExitCode == 0, run.Error);
        using var json = JsonDocument.Parse(run.Output);
        Assert.InRange(json.RootElement.GetProperty("bits_per_weight").GetDouble(), 1.6, 1.67);
        var products = OnnxReader.Load(folder["out.onnx"]).Graph.Nodes.Where(node => node.OpType == "VqMatMul").ToArray();
        Assert.NotEmpty(products);
        Assert.All(products, node => Assert.Equal(4, node.Int("accuracy_level")));
    }

    [Fact]
    public void A_model_that_is_stored_in_few_bits_already_is_refused_with_the_reason()
    {
        OperatorLibrary.Require();
        Assert.Equal(0, Compress("stored.onnx", "vq:3").ExitCode);
        var again = CliProcess.Run("compress", folder["stored.onnx"], folder["again.onnx"], "--weights", "int4", "--calibration", Text);
        Demo.AssertFailed(4, again);
        Assert.Contains("its weight is stored as vectors of a codebook already", again.Error, StringComparison.Ordinal);
        Assert.Equal(["stored.onnx"], folder.Names);
    }

    [Fact]
    public void A_weight_that_is_not_finite_is_refused()
    {
        var model = OnnxReader.Load(Demo.Model);
        var weight = model.Graph.Initializers.First(value => value.Constant is { Rank: 2, Element: ElementType.Float32 } && value.Uses.All(use => use.Node.Is("MatMul")));
        var values = weight.Constant!.As<float>().ToArray();
        values[17] = float.NaN;
        weight.Initializer = Tensor.Create<float>(weight.Constant.Dims, values);
        OnnxWriter.Save(model, folder["nan.onnx"]);
        var run = CliProcess.Run("compress", folder["nan.onnx"], folder["out.onnx"], "--weights", "int4", "--calibration", Text, "--calibration-tokens", "512");
        Assert.Equal(3, run.ExitCode);
        Assert.Contains("is not finite", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("out.onnx", folder.Names);
    }

    [Theory]
    [InlineData("int4")]
    [InlineData("vq:2")]
    public void Windows_are_no_longer_than_the_model_s_table_of_positions(string form)
    {
        OperatorLibrary.Require();
        File.WriteAllText(folder["ids.json"], $"[{string.Join(',', Enumerable.Range(0, 2048).Select(i => i * 13 % 61))}]");
        var run = CliProcess.Run("compress", Fixtures.Of("llama--genai-fp32", "model.onnx"), folder["out.onnx"], "--weights", form, "--calibration", folder["ids.json"], "--json");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Contains("The model runs on no window of 512 tokens; it is calibrated on windows of 256.", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Ids_that_the_vocabulary_has_not_are_refused()
    {
        File.WriteAllText(folder["ids.json"], $"[{string.Join(',', Enumerable.Range(0, 64).Select(i => i == 7 ? 2048 : i))}]");
        var run = CliProcess.Run("compress", Demo.Model, folder["out.onnx"], "--weights", "int4", "--calibration", folder["ids.json"]);
        Demo.AssertFailed(3, run);
        Assert.Contains("Token 7 of the calibration text is 2048, and the model's vocabulary has 2048", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Calibration_that_is_no_list_of_ids_is_refused()
    {
        File.WriteAllText(folder["ids.json"], "[\"In the beginning\"]");
        var run = CliProcess.Run("compress", Demo.Model, folder["out.onnx"], "--weights", "int4", "--calibration", folder["ids.json"]);
        Demo.AssertFailed(3, run);
        Assert.Contains("neither a list of token ids nor a list of such lists", run.Error, StringComparison.Ordinal);
        Assert.Equal(["ids.json"], folder.Names);
    }

    [Theory]
    [InlineData(2, "Give either --weights or --target-bpw.", "--calibration", "x.npy")]
    [InlineData(5, "'x.npy' does not exist.", "--weights", "int4", "--calibration", "x.npy")]
    public void A_command_line_that_means_nothing_is_refused(int code, string sentence, params string[] options)
    {
        var run = CliProcess.Run(["compress", Demo.Model, folder["out.onnx"], .. options]);
        Demo.AssertFailed(code, run);
        Assert.StartsWith(sentence, run.Error, StringComparison.Ordinal);
        Assert.Empty(folder.Names);
    }
}
