using OnnxEff.GraphPasses;
using OnnxEff.Ir.Onnx;
using OnnxEff.Rewriting;
using OnnxEff.Runtime;
using OnnxEff.Tests.Runtime;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.GraphPasses;

public class OptimizerTests
{
    const int Layers = 2;

    public OptimizerTests() => Native.Require();

    public static TheoryData<string, Target> CellsAndTargets
    {
        get
        {
            var data = new TheoryData<string, Target>();
            foreach (var cell in Fixtures.Cells)
            {
                foreach (var target in Enum.GetValues<Target>())
                    data.Add(cell, target);
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(CellsAndTargets))]
    public void A_llama_of_any_exporter_is_raised_wholly_and_computes_the_same(string cell, Target target)
    {
        var path = Fixtures.Of(cell, "model.onnx");
        var model = OnnxReader.Load(path);
        var report = Optimizer.Run(model, new() { Target = target }, new OrtEvaluator());
        Assert.Equal(Layers, report.LayerCount);
        Assert.Equal(Layers, Count("attention"));
        Assert.Equal((2 * Layers) + 1, Count("norm"));
        Assert.Equal(Layers, Count("mlp"));
        Assert.DoesNotContain(report.Layers, l => l.IsRefused);
        Assert.All(report.Layers.Where(l => l is { Meaning: "attention", IsRefused: false }), l => Assert.Contains("cache appended", l.Sentence));
        Assert.All(report.Layers.Where(l => l is { Meaning: "rotary" }), l => Assert.DoesNotContain("none", l.Became!));

        int Count(string meaning) => report.Layers.Where(l => l.Meaning == meaning).Sum(l => l.Count);

        using var folder = new TempFolder();
        var output = folder["model.onnx"];
        OnnxWriter.Save(model, output);
        var small = new OrtSessionOptions { IntraOpThreads = 1, Spinning = false };
        var verify = Verifier.Compare(VerifyModel.Load(path, new() { Session = small }),
            VerifyModel.Load(output, new() { Session = target == Target.OnnxEff ? small with { CustomOpLibraries = [OperatorLibrary.Require()] } : small }));
        Assert.True(verify.Passed, verify.Verdict);
        Assert.DoesNotContain(verify.Cases, c => c.Skipped is { Length: > 0 });
        if (target != Target.Onnx)
            Assert.Contains(verify.Cases, c => c.Name == "decode, cache not shared");
    }

    [Fact]
    public void Inputs_and_outputs_keep_names_order_and_types()
    {
        var before = OnnxReader.Load(Fixtures.Of("llama--optimum", "model.onnx"));
        var after = OnnxReader.Load(Fixtures.Of("llama--optimum", "model.onnx"));
        Optimizer.Run(after, new(), new OrtEvaluator());
        Assert.Equal(before.Graph.Inputs.Select(i => i.ToString()), after.Graph.Inputs.Select(i => i.ToString()));
        Assert.Equal(before.Graph.Outputs.Select(i => i.ToString()), after.Graph.Outputs.Select(i => i.ToString()));
    }

    [Fact]
    public void A_pass_that_is_not_in_the_list_is_refused()
    {
        var model = OnnxReader.Load(Fixtures.Of("llama--optimum", "model.onnx"));
        var error = Assert.Throws<ArgumentException>(() => Optimizer.Run(model, new() { Passes = ["fuse-everything"] }, new OrtEvaluator()));
        Assert.Contains("fuse-everything", error.Message);
    }

    [Fact]
    public void Without_the_pass_attention_stays()
    {
        var model = OnnxReader.Load(Fixtures.Of("llama--optimum", "model.onnx"));
        var report = Optimizer.Run(model, new() { Passes = ["raise-rms-norm"] }, new OrtEvaluator());
        Assert.Equal(2, report.After.Operators["Softmax"]);
        Assert.Equal(4, report.After.Operators["com.microsoft.SkipSimplifiedLayerNormalization"]);
    }

    [Fact]
    public void Inspecting_tells_the_architecture()
    {
        var facts = Optimizer.Inspect(OnnxReader.Load(Fixtures.Of("llama--dynamo18", "model.onnx")), new OrtEvaluator());
        Assert.Equal(Layers, facts.Layers.Count);
        Assert.All(facts.Layers, l => Assert.Equal((4, 2, 16), (l.Attention!.Heads, l.Attention.KvHeads, l.Attention.HeadSize)));
        Assert.All(facts.Layers, l => Assert.StartsWith("causal, padding: agreed on", l.Attention!.Mask));
        Assert.All(facts.Layers, l => Assert.Equal(("2 RMS norm", "gated silu", "appended"), (l.Norms, l.Mlp, l.Attention!.Cache)));
        Assert.Equal((256L, 64L), (facts.Vocabulary, facts.HiddenSize));
        Assert.Equal(2 * 2 * 2 * 16 * sizeof(float), facts.Size.CacheBytesPerToken);
    }

    [Fact]
    public void Pass_names_are_unique_and_kebab_case() => Assert.All(Optimizer.Passes, p =>
    {
        Assert.Matches("^[a-z]+(-[a-z]+)*$", p.Name);
        Assert.NotEqual(Exactness.Approximates, p.Exactness);
    });
}
