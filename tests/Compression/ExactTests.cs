using System.Text.Json;
using OnnxEff.Ir;
using OnnxEff.Ir.Onnx;
using OnnxEff.Tests.Cli;
using OnnxEff.Tests.Runtime;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Compression;

/// <summary><c>onnxeff compress --weights exact</c>.</summary>
public sealed class ExactTests : IDisposable
{
    readonly TempFolder folder = new();

    public ExactTests() => Native.Require();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_dequantised_checkpoint_is_stored_on_its_grid_and_computes_the_same()
    {
        OperatorLibrary.Require();
        var model = OnnxReader.Load(Demo.Model);
        foreach (var weight in model.Graph.Initializers.Where(value => value.Initializer is { Rank: 2, Element: ElementType.Float32, Count: > 10_000 }).ToArray())
            weight.Initializer = Tensor.Create<float>(weight.Initializer!.Dims, OnGrid(weight.Initializer, isByInputs: weight.Uses.Any(use => use.Node.Is("MatMul"))));
        OnnxWriter.Save(model, folder["dequantised.onnx"]);
        var run = CliProcess.Run("compress", folder["dequantised.onnx"], folder["exact.onnx"], "--weights", "exact", "--json");
        Assert.True(run.ExitCode == 0, run.Error);
        using var json = JsonDocument.Parse(run.Output);
        Assert.Equal(5.0, json.RootElement.GetProperty("bits_per_weight").GetDouble(), 0.02);
        var check = CliProcess.Run("verify", folder["dequantised.onnx"], folder["exact.onnx"]);
        Assert.True(check.ExitCode == 0, check.Output + check.Error);
        Assert.All(Levels(folder["exact.onnx"]), level => Assert.Null(level));

        run = CliProcess.Run("compress", folder["dequantised.onnx"], folder["bytes.onnx"], "--weights", "exact", "--accuracy-level", "4");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.All(Levels(folder["bytes.onnx"]), level => Assert.Equal(4, level));
        Assert.InRange(KjvWindows.Ratio(folder["bytes.onnx"], count: 3) / KjvWindows.Ratio(folder["exact.onnx"], count: 3), 0.99, 1.01);

        static long?[] Levels(string file)
        {
            long?[] levels = [.. OnnxReader.Load(file).Graph.Nodes.Where(node => node.OpType == "AffineMatMul").Select(node => (node.Attributes.GetValueOrDefault("accuracy_level") as IntAttribute)?.Value)];
            Assert.NotEmpty(levels);
            return levels;
        }
    }

    [Theory]
    [InlineData("vq:2", true)]
    [InlineData("int4", false)]
    public void What_a_form_of_the_library_leaves_is_stored_on_its_grid_where_it_lies_on_one(string form, bool isStored)
    {
        OperatorLibrary.Require();
        var model = OnnxReader.Load(Demo.Model);
        var head = Assert.Single(model.Graph.Initializers, value => value.Initializer is { Rank: 2 } weight && weight.Dims[1] == 2048 && value.Uses.Any(use => use.Node.Is("MatMul")));
        head.Initializer = Tensor.Create<float>(head.Initializer!.Dims, OnGrid(head.Initializer, isByInputs: true));
        OnnxWriter.Save(model, folder["head.onnx"]);
        var run = CliProcess.Run("compress", folder["head.onnx"], folder["out.onnx"], "--weights", form, "--json", "--calibration", Path.Combine(Fixtures.Root, "models", "kjv", "valid.npy"),
            "--calibration-tokens", "2048");
        Assert.True(run.ExitCode == 0, run.Error);
        var graph = OnnxReader.Load(folder["out.onnx"]).Graph;
        Assert.Equal(!isStored, graph.Initializers.Any(value => value.Name == head.Name));
        var products = graph.Nodes.Where(node => node.OpType == "AffineMatMul").ToArray();
        Assert.Equal(isStored ? 1 : 0, products.Length);
        Assert.All(products, product => Assert.False(product.Attributes.ContainsKey("accuracy_level")));
        using var json = JsonDocument.Parse(run.Output);
        Assert.Equal(isStored, json.RootElement.GetProperty("notes").EnumerateArray().Any(note => note.GetString()!.Contains("on a grid of 4 bits already", StringComparison.Ordinal)));
        Assert.Equal(isStored ? 0 : 1, json.RootElement.GetProperty("left").GetArrayLength());
    }

    [Fact]
    public void There_are_two_levels_of_accuracy()
    {
        var run = CliProcess.Run("compress", Demo.Model, folder["exact.onnx"], "--weights", "exact", "--accuracy-level", "3");
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("--accuracy-level is 0 or 4, not 3", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Other_weights_are_refused_with_what_to_do()
    {
        var run = CliProcess.Run("compress", Demo.Model, folder["exact.onnx"], "--weights", "exact");
        Assert.Equal(4, run.ExitCode);
        Assert.Contains("lies on no grid of at most 8 bits", run.Error, StringComparison.Ordinal);
        Assert.Contains("--weights vq:4", run.Error, StringComparison.Ordinal);
        Assert.Empty(folder.Names);
    }

    [Fact]
    public void Forms_that_lose_something_need_a_text()
    {
        var run = CliProcess.Run("compress", Demo.Model, folder["out.onnx"], "--weights", "vq:2");
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("--calibration", run.Error, StringComparison.Ordinal);
    }

    // Q4_1: for each 32 inputs, 16 levels from the least weight to the largest, scale and minimum in fp16.
    static float[] OnGrid(Tensor weight, bool isByInputs)
    {
        float[] values = weight.As<float>().ToArray();
        (int rows, int columns) = ((int)weight.Dims[0], (int)weight.Dims[1]);
        (int outputs, int inputs) = isByInputs ? (columns, rows) : (rows, columns);
        for (int o = 0; o < outputs; o++)
            for (int first = 0; first < inputs; first += 32)
            {
                int[] block = [.. Enumerable.Range(first, Math.Min(32, inputs - first)).Select(i => isByInputs ? i * columns + o : o * columns + i)];
                float least = (float)(Half)block.Min(at => values[at]), step = (float)(Half)((block.Max(at => values[at]) - least) / 15);
                foreach (int at in block) values[at] = step == 0 ? least : step * Math.Clamp(MathF.Round((values[at] - least) / step), 0, 15) + least;
            }
        return values;
    }
}
