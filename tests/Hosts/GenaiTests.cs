using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Hosts;

/// <summary>onnxruntime-genai decodes a file of its own builder after rewriting, with one buffer for past and present.</summary>
public sealed class GenaiTests
{
    [Fact]
    public void Genai_gets_the_originals_tokens()
    {
        var python = PythonEnvironment.Require("onnxruntime_genai");
        var library = OperatorLibrary.Require();
        using var original = new TempFolder();
        using var rewritten = new TempFolder();
        File.Copy(Fixtures.Of("llama--genai-fp32", "model.onnx"), original["model.onnx"]);
        var optimize = CliProcess.Run("optimize", original["model.onnx"], rewritten["model.onnx"], "--no-verify");
        Assert.True(optimize.ExitCode == 0, optimize.Error);
        foreach (var file in Directory.GetFiles(Path.GetDirectoryName(library)!, "libonnxeff_ops*.so"))
            File.Copy(file, rewritten[Path.GetFileName(file)]);
        File.WriteAllText(original["genai_config.json"], Config("{}"));
        File.WriteAllText(rewritten["genai_config.json"], Config("""{ "custom_ops_library": "libonnxeff_ops.so" }"""));
        Assert.Equal(Decode(python, original), Decode(python, rewritten));
    }

    static string Decode(string python, TempFolder model)
    {
        const int Count = 32;
        var result = Tool.Run(python, [Path.Combine(Fixtures.Root, "samples", "Python", "run_genai.py"), model.Path, "5,6,7,8,9", $"{Count}"]);
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Equal(Count, result.Output.Split(',').Length);
        return result.Output;
    }

    /// <summary>What the builder writes beside a model, as far as decoding ids needs it.</summary>
    static string Config(string sessionOptions) => $$"""
        {
          "model": {
            "type": "llama", "vocab_size": 256, "context_length": 256, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0,
            "decoder": {
              "session_options": {{sessionOptions}}, "filename": "model.onnx",
              "head_size": 16, "hidden_size": 64, "num_attention_heads": 4, "num_hidden_layers": 2, "num_key_value_heads": 2,
              "inputs": { "input_ids": "input_ids", "attention_mask": "attention_mask",
                "past_key_names": "past_key_values.%d.key", "past_value_names": "past_key_values.%d.value" },
              "outputs": { "logits": "logits", "present_key_names": "present.%d.key", "present_value_names": "present.%d.value" }
            }
          },
          "search": { "do_sample": false, "max_length": 128, "past_present_share_buffer": true }
        }
        """;
}
