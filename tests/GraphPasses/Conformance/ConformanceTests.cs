using OnnxEff.GraphPasses;
using OnnxEff.Ir;
using OnnxEff.Ops;
using OnnxEff.Runtime;
using OnnxEff.Tests.Runtime;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.GraphPasses.Conformance;

/// <summary>ONNX's node tests of attention, rotary embedding and RMS normalisation, raised and lowered to our operators.</summary>
public class ConformanceTests
{
    static readonly string[] s_families = ["attention", "rotary_embedding", "rms_normalization"];

    public ConformanceTests() => Native.Require();

    public static TheoryData<string> Cases => [.. s_families.SelectMany(ConformanceCase.Names).Where(n => !ConformanceExceptions.All.ContainsKey(n))];

    public static TheoryData<string> Exceptions => [.. ConformanceExceptions.All.Keys.Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_case_gives_what_it_must(string name)
    {
        var model = Rewritten(name, out var report);
        if (!ConformanceCase.IsExpanded(name))
        {
            Assert.DoesNotContain(report.Layers, l => l.IsRefused);
            if (name.StartsWith("attention", StringComparison.Ordinal))
                Assert.Contains(model.Graph.Nodes, n => n.Is(nameof(BlockMaskedAttention), OnnxEffOperators.Domain));
            Assert.DoesNotContain(model.Graph.Nodes, n => n.OpType is "Attention" or "Softmax" or "RMSNormalization");
        }
        ConformanceCase.Of(name).AssertOutputs(Run(name, model));
    }

    [Fact]
    public void At_most_a_tenth_of_the_cases_are_exceptions() => Assert.InRange(ConformanceExceptions.All.Count, 0, (Cases.Count + ConformanceExceptions.All.Count) / 10);

    [Theory]
    [MemberData(nameof(Exceptions))]
    public void An_exception_is_one(string name) => Assert.ThrowsAny<Exception>(() => ConformanceCase.Of(name).AssertOutputs(Run(name, Rewritten(name, out _))));

    static Model Rewritten(string name, out OptimizeReport report)
    {
        var model = ConformanceCase.Of(name).Model();
        report = Optimizer.Run(model, new(), new OrtEvaluator());
        return model;
    }

    static IReadOnlyList<Tensor> Run(string name, Model model)
    {
        using var evaluation = new OrtEvaluator(OrtSessionOptions.Small with { CustomOpLibraries = [OperatorLibrary.Require()] }).Open(model);
        var inputs = ConformanceCase.Of(name).Inputs;
        return evaluation.Run(model.Graph.Inputs.Select((input, i) => (input.Name, inputs[i])).ToDictionary());
    }
}
