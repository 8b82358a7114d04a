using System.Globalization;
using System.Text.RegularExpressions;
using OnnxEff.GraphPasses;
using OnnxEff.GraphPasses.Layers;
using OnnxEff.Ir;
using OnnxEff.Ir.Onnx;
using OnnxEff.Runtime;
using OnnxEff.Tests.Runtime;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.GraphPasses.Layers;

public partial class LayerReportTests
{
    public LayerReportTests() => Native.Require();

    public static TheoryData<string> AllCells => [.. Fixtures.SharedFiles("model.onnx", "matrix")];

    [Theory]
    [MemberData(nameof(AllCells))]
    public void Where_names_tell_the_layer_the_report_tells_the_same(string file)
    {
        var report = Optimize(OnnxReader.Load(Fixtures.Shared(file)));
        Assert.InRange(report.LayerCount, 2, 6);
        foreach (var line in report.Layers.Where(l => l.Meaning is not Meanings.Embedding))
        {
            if (NumberInName().Match(line.NodeName) is { Success: true } match)
            {
                var named = int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture);
                Assert.True((named < report.LayerCount ? named : LayerMap.None) == line.Layer, $"layer {line.Layer}: {line}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(AllCells))]
    public void Every_layer_has_a_line_for_each_meaning(string file)
    {
        var report = Optimize(OnnxReader.Load(Fixtures.Shared(file)));
        for (var layer = 0; layer < report.LayerCount; layer++)
        {
            foreach (var meaning in Meanings.All)
                Assert.Contains(report.Layers, l => l.Layer == layer && l.Meaning == meaning);
        }
        Assert.All(report.Layers, l => Assert.False(l.IsRefused && l.Sentence.Length == 0, $"{l}"));
    }

    [Fact]
    public void An_attention_that_is_left_names_its_layer_node_and_reason_and_its_rotation_stays_with_it()
    {
        var report = Optimize(Broken());
        var left = report.Layers.Where(l => l.IsRefused).ToArray();
        Assert.Equal([(1, "attention"), (1, "rotary")], left.Select(l => (l.Layer, l.Meaning)));
        Assert.Equal("/model/layers.1/self_attn/Softmax", left[0].NodeName);
        Assert.StartsWith("/model/layers.1/self_attn/Mul", left[1].NodeName);
        Assert.Equal("the softmax must run over the keys, the last axis", left[0].Sentence);
        Assert.Contains("stays in the graph", left[1].Sentence);
    }

    [Fact]
    public void Lines_name_nodes_of_the_file()
    {
        var model = OnnxReader.Load(Fixtures.Of("llama--optimum", "model.onnx"));
        var names = model.Graph.Nodes.Select(n => n.Name).ToHashSet();
        Assert.All(Optimize(model).Layers, l => Assert.Contains(l.NodeName, names));
    }

    [Fact]
    public void Inspecting_tells_what_is_left_too()
    {
        var facts = Optimizer.Inspect(Broken(), new OrtEvaluator());
        Assert.NotNull(facts.Layers[0].Attention);
        Assert.Null(facts.Layers[1].Attention);
        Assert.Equal("/model/layers.1/self_attn/Softmax", facts.Layers[1].NodeName);
        Assert.Contains(facts.Refused, l => l is { Layer: 1, Meaning: "attention" });
    }

    /// <summary>The softmax of the second layer runs over the heads.</summary>
    internal static Model Broken()
    {
        var model = OnnxReader.Load(Fixtures.Of("llama--optimum", "model.onnx"));
        model.Graph.Nodes.Where(n => n.Is("Softmax")).Last().SetAttribute("axis", 1);
        return model;
    }

    static OptimizeReport Optimize(Model model) => Optimizer.Run(model, new(), new OrtEvaluator());

    [GeneratedRegex(@"(?:layers?|/h|blocks)\.(\d+)")]
    private static partial Regex NumberInName();
}
