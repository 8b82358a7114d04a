using OnnxEff.Runtime;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Runtime;

public class ReferenceDataTests
{
    const double Tolerance = 1e-4;

    public ReferenceDataTests() => Native.Require();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void A_model_gives_its_own_outputs_and_not_those_of_other_inputs(int number)
    {
        using var folder = new TempFolder();
        var own = Fixtures.Of("llama--optimum", $"test_data_set_{number}");
        foreach (var file in Directory.EnumerateFiles(own))
            File.Copy(file, folder[Path.GetFileName(file)]);
        var ids = Path.Combine(folder.Path, "input_0.pb");
        var bytes = File.ReadAllBytes(ids);
        bytes[^8] ^= 1; // The last token's id: of the unpadded end of the last row.
        File.WriteAllBytes(ids, bytes);

        using var session = OrtSession.Open(Fixtures.Of("llama--optimum", "model.onnx"), OrtSessionOptions.Small);
        Assert.All(new ReferenceData(own).Compare(session, Tolerance), d => Assert.True(d.Passed, $"{d}"));
        Assert.Contains(new ReferenceData(folder.Path).Compare(session, Tolerance), d => d is { Name: "logits", Passed: false });
    }

    [Fact]
    public void What_is_computed_at_padding_is_not_compared()
    {
        using var folder = new TempFolder();
        var own = Fixtures.Of("llama--optimum", "test_data_set_0"); // The second row begins with five tokens of padding.
        foreach (var file in Directory.EnumerateFiles(own))
            File.Copy(file, folder[Path.GetFileName(file)]);
        var logits = new ReferenceData(own).Outputs["logits"];
        var path = Path.Combine(folder.Path, "output_0.pb");
        var bytes = File.ReadAllBytes(path);
        var padding = (int)(logits.Dims[1] * logits.Dims[2]) * sizeof(float);
        bytes.AsSpan(bytes.AsSpan().IndexOf(logits.Data.Span[..64]) + padding, 5 * (int)logits.Dims[2] * sizeof(float)).Clear();
        File.WriteAllBytes(path, bytes);

        using var session = OrtSession.Open(Fixtures.Of("llama--optimum", "model.onnx"), OrtSessionOptions.Small);
        Assert.Equal((5, 24), new ReferenceData(own).Range("logits", 1));
        Assert.All(new ReferenceData(folder.Path).Compare(session, Tolerance), d => Assert.True(d.Passed, $"{d}"));
    }
}
