using OnnxEff.Ir;
using OnnxEff.Runtime;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Runtime;

public class OrtBindingTests
{
    public OrtBindingTests() => Native.Require();

    [Fact]
    public void One_tensor_may_be_past_and_present()
    {
        using var session = OrtSession.Open(Fixtures.SharedModels("matrix", "llama--genai-fp32", "model.onnx"), OrtSessionOptions.Small);
        using var binding = new OrtBinding(session);
        using var ids = OrtTensor.From<long>([3, 4], 1, 2);
        using var mask = OrtTensor.From<long>([1, 1], 1, 2);
        binding.BindInput("input_ids", ids);
        binding.BindInput("attention_mask", mask);
        binding.BindOutput("logits");
        var caches = new List<OrtTensor>();
        foreach (var past in session.Inputs.Skip(2))
        {
            var cache = OrtTensor.Zeros(ElementType.Float32, 1, 2, 8, 16);
            caches.Add(cache);
            binding.BindInput(past.Name, cache);
            binding.BindOutput(past.Name.Replace("past_key_values", "present", StringComparison.Ordinal), cache);
        }

        binding.Run();

        var outputs = binding.Outputs();
        Assert.Equal([1, 2, 256], outputs["logits"].Dims.ToArray());
        foreach (var cache in caches)
        {
            var values = cache.ToFloats(); // [1, 2, 8, 16]: the first two tokens of each head are written
            Assert.Contains(values[..32], v => v != 0);
            Assert.All(values[32..128], v => Assert.Equal(0, v));
            cache.Dispose();
        }
        foreach (var output in outputs.Values) output.Dispose();
    }

    [Fact]
    public void A_run_without_an_input_fails_with_its_name()
    {
        using var session = OrtSession.Open(Fixtures.SharedModels("matrix", "llama--optimum", "model.onnx"), OrtSessionOptions.Small);
        using var binding = new OrtBinding(session);
        binding.BindOutput("logits");
        Assert.Throws<OrtException>(binding.Run);
    }
}
