using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using OnnxEff.Formats;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Formats;

/// <summary>Checkpoints made by the public package, whose own decoder made the dense weights beside them.</summary>
public class VptqGoldenTests
{
    const int Modules = 14;

    public static TheoryData<string> Larger =>
    [
        "a_v8-k4096-0", "b_v8-k256-256", "c_v8-k65536-256", "e_outliers", "f_perm_norm_sharded", "g_groups", "h_padding", "i_unpacked", "i_unpacked_float", "j_bias_bf16",
    ];

    [Fact]
    public void A_checkpoint_decodes_to_its_golden_weights_bit_for_bit() => DecodesExactly(Fixtures.Of("vptq--outliers"));

    [Theory]
    [MemberData(nameof(Larger))]
    public void Every_form_of_a_checkpoint_decodes_to_its_golden_weights_bit_for_bit(string name) => DecodesExactly(Fixtures.Shared("vptq", name));

    [Theory]
    [MemberData(nameof(Larger))]
    public void Golden_weights_are_met_number_for_number(string name)
    {
        var folder = Fixtures.Shared("vptq", name);
        var checkpoint = VptqCheckpoint.Open(folder);
        var golden = SafetensorsFile.Open(Path.Combine(folder, "golden.safetensors")).Tensors;
        Assert.All(golden, expected =>
        {
            var actual = checkpoint.Read(expected.Key[..^".weight".Length]);
            Assert.Equal((long[])[.. expected.Value.Dims], (long[])[actual.Layout.Outputs, actual.Layout.Inputs]);
            var worst = actual.Decode().Zip(expected.Value.As<float>().ToArray(), (a, b) => Math.Abs(a - b)).Max();
            Assert.True(worst <= 1e-6, $"{expected.Key} is {worst} off.");
        });
    }

    [Fact]
    public void Every_checkpoint_that_is_there_is_tested()
    {
        var folders = Directory.GetDirectories(Fixtures.Shared("vptq")).Where(f => File.Exists(Path.Combine(f, "golden.json"))).Select(f => Path.GetFileName(f)!);
        Assert.Equal(folders.Order(), Larger.Select(row => row.Data).Order());
    }

    static void DecodesExactly(string folder)
    {
        var checkpoint = VptqCheckpoint.Open(folder);
        using var golden = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "golden.json")));
        var expected = golden.RootElement.GetProperty("modules").EnumerateObject().ToDictionary(m => m.Name, m => m.Value.GetProperty("sha256_fp32").GetString()!);
        Assert.Equal(Modules, expected.Count);
        Assert.Equal(expected.Keys.Order(StringComparer.Ordinal), checkpoint.Layers);
        var actual = checkpoint.Layers.ToDictionary(layer => layer, layer => Hash(checkpoint.Read(layer).Decode()));
        Assert.Equal(expected, actual);
    }

    static string Hash(float[] weights) => Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes<float>(weights)));
}
