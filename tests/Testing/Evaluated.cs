using OnnxEff.Ir;
using OnnxEff.Runtime;
using Xunit;

namespace OnnxEff.Tests.Testing;

/// <summary>Compares what models compute.</summary>
public static class Evaluated
{
    /// <summary>The model's outputs by name, computed by ONNX Runtime; skips the test where there is none.</summary>
    public static Dictionary<string, Tensor> Run(Model model, IReadOnlyDictionary<string, Tensor> feeds, OrtSessionOptions? options = null)
    {
        OnnxEff.Tests.Runtime.Native.Require();
        using var evaluation = new OrtEvaluator(options).Open(model);
        var names = model.Graph.Outputs.Select(o => o.Name).ToArray();
        return names.Zip(evaluation.Run(feeds)).ToDictionary(p => p.First, p => p.Second);
    }

    /// <summary>Asserts that two runs gave the same outputs, to a tolerance relative to each output's largest value.</summary>
    public static void AssertClose(IReadOnlyDictionary<string, Tensor> expected, IReadOnlyDictionary<string, Tensor> actual, double tolerance)
    {
        Assert.Equal(expected.Keys.Order(StringComparer.Ordinal), actual.Keys.Order(StringComparer.Ordinal));
        foreach (var (name, tensor) in expected)
        {
            Assert.Equal(tensor.Dims.ToArray(), actual[name].Dims.ToArray());
            var (a, b) = (tensor.ToDouble()!, actual[name].ToDouble()!);
            var scale = a.Select(Math.Abs).Append(1).Max();
            var difference = a.Zip(b, (x, y) => x.Equals(y) ? 0 : Math.Abs(x - y)).Append(0).Max();
            Assert.True(difference <= tolerance * scale, $"Output '{name}' differs by {difference:G3} of {scale:G3}.");
        }
    }
}
