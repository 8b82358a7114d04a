using OnnxEff.Ir;
using OnnxEff.Runtime;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Runtime;

public class OrtSessionTests
{
    public OrtSessionTests() => Native.Require();

    [Fact]
    public void The_library_names_its_version_and_build()
    {
        Assert.Matches(@"^\d+\.\d+", OrtRuntime.Version);
        Assert.StartsWith("ORT Build Info", OrtRuntime.BuildInfo);
        Assert.Contains("CPUExecutionProvider", OrtRuntime.Providers);
    }

    [Fact]
    public void A_session_lists_its_ports_with_types_and_symbols()
    {
        using var session = OrtSession.Open(Fixtures.SharedModels("matrix", "llama--optimum", "model.onnx"), OrtSessionOptions.Small);

        Assert.Equal(["input_ids", "attention_mask", "position_ids", "past_key_values.0.key", "past_key_values.0.value",
            "past_key_values.1.key", "past_key_values.1.value"], session.Inputs.Select(i => i.Name));
        Assert.Equal("int64[batch_size, sequence_length]", session.Inputs[0].Type.ToString());
        Assert.Equal("float32[batch_size, 2, past_sequence_length, 16]", session.Inputs[3].Type.ToString());
        Assert.Equal("logits", session.Outputs[0].Name);
    }

    [Fact]
    public void A_run_returns_what_was_fetched()
    {
        using var session = OrtSession.Open(Fixtures.SharedModels("matrix", "llama--optimum", "model.onnx"), OrtSessionOptions.Small);
        using var ids = OrtTensor.From<long>([1, 2, 3], 1, 3);
        using var mask = OrtTensor.From<long>([1, 1, 1], 1, 3);
        using var positions = OrtTensor.From<long>([0, 1, 2], 1, 3);
        using var empty = OrtTensor.Zeros(ElementType.Float32, 1, 2, 0, 16);
        OrtFeed[] feeds = [new("input_ids", ids), new("attention_mask", mask), new("position_ids", positions),
            .. session.Inputs.Skip(3).Select(past => new OrtFeed(past.Name, empty))];

        using var logits = session.Run(feeds, [new("logits")])[0];

        Assert.Equal([1, 3, 256], logits.Dims.ToArray());
        Assert.All(logits.ToFloats(), value => Assert.True(float.IsFinite(value)));
    }

    [Fact]
    public void A_missing_file_is_refused_with_the_name_and_the_code()
    {
        var error = Assert.Throws<OrtException>(() => OrtSession.Open("/nowhere/absent.onnx"));
        Assert.Equal(OrtErrorCode.NoSuchFile, error.Code);
        Assert.Contains("/nowhere/absent.onnx", error.Message);
    }

    [Fact]
    public void Bytes_that_are_no_model_are_refused()
    {
        var error = Assert.Throws<OrtException>(() => OrtSession.FromBytes([1, 2, 3, 4, 5]));
        Assert.NotEqual(OrtErrorCode.Ok, error.Code);
    }

    [Fact]
    public void An_absent_operator_library_is_refused_by_name()
    {
        var options = new OrtSessionOptions { CustomOpLibraries = ["/nowhere/libabsent.so"] };
        var error = Assert.Throws<OrtException>(() => OrtSession.FromBytes([1], options));
        Assert.Contains("/nowhere/libabsent.so", error.Message);
    }

    [Fact]
    public void An_unknown_input_is_refused_with_the_names_there_are()
    {
        using var session = OrtSession.Open(Fixtures.SharedModels("matrix", "llama--optimum", "model.onnx"), OrtSessionOptions.Small);
        using var tensor = OrtTensor.Zeros(ElementType.Int64, 1, 1);
        var error = Assert.Throws<OrtException>(() => session.Run([new("tokens", tensor)]));
        Assert.Contains("'tokens'", error.Message);
        Assert.Contains("input_ids", error.Message);
    }
}
