using System.Text.Json;
using OnnxEff.Ir;
using OnnxEff.Ir.Onnx;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Cli;

/// <summary>What <c>diff</c> finds, from the outside.</summary>
public sealed class DiffTests : IDisposable
{
    readonly TempFolder folder = new();

    [Fact]
    public void A_model_does_not_differ_from_itself()
    {
        var result = CliProcess.Run("diff", Demo.Model, Demo.Model);
        Assert.Equal((0, "No difference.\n"), (result.ExitCode, result.Output));
    }

    [Theory]
    [InlineData("llama--optimum")]
    [InlineData("llama--dynamo18")]
    [InlineData("llama--dynamo23")]
    [InlineData("llama--genai-fp32")]
    [InlineData("llama--genai-int4")]
    [InlineData("llama--ortopt")]
    [InlineData("llama--slim-optimum")]
    [InlineData("llama--ts17")]
    public void The_layers_of_every_exporter_are_found(string cell)
    {
        var diff = Json(Fixtures.Of(cell), Fixtures.Of("llama--optimum-fp16"));
        Assert.Equal([0, 1], Layers(diff, "layers_before"));
        Assert.Equal([0, 1], Layers(diff, "layers_after"));
    }

    [Fact]
    public void Alike_layers_are_together()
    {
        var diff = Json(Demo.Model, Demo.Model);
        Assert.True(diff.GetProperty("same").GetBoolean());
        var sections = diff.GetProperty("sections").EnumerateArray().Where(section => section.GetProperty("layers_before").GetArrayLength() > 0).ToArray();
        Assert.Equal(6, Assert.Single(sections).GetProperty("layers_before").GetArrayLength());
    }

    [Fact]
    public void Other_names_and_another_order_are_no_difference()
    {
        var model = OnnxReader.Load(Demo.Model);
        var number = 0;
        foreach (var node in model.Graph.Nodes)
        {
            node.Name = $"n{number++}";
            foreach (var output in node.Outputs.Where(output => !output.IsOutput && output.Name.Length > 0)) output.Name = $"v{number++}";
        }
        OnnxWriter.Save(model, folder["renamed.onnx"]);
        var result = CliProcess.Run("diff", Demo.Model, folder["renamed.onnx"]);
        Assert.Equal((0, "No difference but in names and the order of nodes.\n"), (result.ExitCode, result.Output));
    }

    [Fact]
    public void A_single_changed_weight_is_a_difference()
    {
        var diff = Json(Save("a.onnx", Tiny(1)), Save("b.onnx", Tiny(1.5f)));
        Assert.False(diff.GetProperty("same").GetBoolean());
        Assert.Equal("The same operators with other weights.", diff.GetProperty("verdict").GetString());
    }

    [Fact]
    public void A_changed_attribute_is_a_difference()
    {
        var other = Tiny(1);
        other.Graph.Nodes.First(node => node.OpType == "Softmax").SetAttribute("axis", 1);
        Assert.False(Json(Save("a.onnx", Tiny(1)), Save("b.onnx", other)).GetProperty("same").GetBoolean());
    }

    [Fact]
    public void The_page_of_the_same_files_has_the_same_bytes()
    {
        foreach (var name in (string[])["1.html", "2.html"])
        {
            var result = CliProcess.Run("diff", Fixtures.Of("llama--optimum"), Fixtures.Of("llama--dynamo23"), "-o", folder[name]);
            Assert.True(result.ExitCode == 0, result.Error);
        }
        Assert.Equal(File.ReadAllBytes(folder["1.html"]), File.ReadAllBytes(folder["2.html"]));
    }

    [Fact]
    public void An_existing_page_is_replaced_when_forced_only()
    {
        File.WriteAllText(folder["p.html"], "mine");
        Demo.AssertFailed(2, CliProcess.Run("diff", Demo.Model, Demo.Model, "-o", folder["p.html"]));
        Assert.Equal("mine", File.ReadAllText(folder["p.html"]));
        Assert.Equal(0, CliProcess.Run("diff", Demo.Model, Demo.Model, "-o", folder["p.html"], "--force").ExitCode);
        Assert.StartsWith("<!doctype html>", File.ReadAllText(folder["p.html"]), StringComparison.Ordinal);
    }

    [Fact]
    public void A_page_never_replaces_a_model()
    {
        File.Copy(Demo.Model, folder["a.onnx"]);
        Demo.AssertFailed(2, CliProcess.Run("diff", Demo.Model, folder["a.onnx"], "-o", folder["a.onnx"], "--force"));
        Assert.Equal(new FileInfo(Demo.Model).Length, new FileInfo(folder["a.onnx"]).Length);
    }

    [Fact]
    public void A_file_that_is_no_model_is_rejected()
    {
        File.WriteAllText(folder["text.onnx"], "# no model");
        Demo.AssertFailed(3, CliProcess.Run("diff", Demo.Model, folder["text.onnx"], "-o", folder["p.html"]));
        Assert.Equal(["text.onnx"], folder.Names);
    }

    [Fact]
    public void Layers_without_a_partner_stay_alone()
    {
        var diff = Json(Save("a.onnx", Tiny(1, layers: 3)), Save("b.onnx", Tiny(1, layers: 2)));
        Assert.Equal([0, 1, 2], Layers(diff, "layers_before"));
        Assert.Equal([0, 1], Layers(diff, "layers_after"));
    }

    public void Dispose() => folder.Dispose();

    static int[] Layers(JsonElement diff, string side) =>
        [.. diff.GetProperty("sections").EnumerateArray().SelectMany(section => section.GetProperty(side).EnumerateArray()).Select(layer => layer.GetInt32()).Order()];

    static JsonElement Json(string before, string after)
    {
        var result = CliProcess.Run("diff", before, after, "--json");
        Assert.True(result.ExitCode == 0, result.Error);
        using var document = JsonDocument.Parse(result.Output);
        return document.RootElement.Clone();
    }

    string Save(string name, Model model)
    {
        OnnxWriter.Save(model, folder[name]);
        return folder[name];
    }

    static Model Tiny(float weight, int layers = 2)
    {
        var sketch = new Sketch().Input("ids", ElementType.Int64, "B", "S").Weight("table", 16, 4).Node("x0", "Gather", "table ids");
        for (var layer = 0; layer < layers; layer++)
        {
            var (x, l) = ($"x{layer}", $"l{layer}");
            sketch.Weight($"{l}_q", 4, 4).Weight($"{l}_v", 4, 4).Const($"{l}_w", Tensor.Vector<float>(weight, 1, 1, layer))
                .Node($"{l}_qx", "MatMul", $"{x} {l}_q").Node($"{l}_vx", "MatMul", $"{x} {l}_v")
                .Node($"{l}_t", "Transpose", $"{x}", ("perm", new long[] { 0, 2, 1 })).Node($"{l}_s", "MatMul", $"{l}_qx {l}_t")
                .Node($"{l}_p", "Softmax", $"{l}_s").Node($"{l}_o", "MatMul", $"{l}_p {l}_vx").Node($"{l}_m", "Mul", $"{l}_o {l}_w").Node($"x{layer + 1}", "Add", $"{x} {l}_m");
        }
        return sketch.Output($"x{layers}").Model;
    }
}
