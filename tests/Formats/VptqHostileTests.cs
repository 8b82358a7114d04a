using System.Text.Json;
using System.Text.Json.Nodes;
using OnnxEff.Formats;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Formats;

/// <summary>A good checkpoint, in which one thing is made wrong.</summary>
public sealed class VptqHostileTests : IDisposable
{
    const string Layer = "model.layers.0.mlp.up_proj"; // 128 to 192, vectors of 8, 512 + 32 centroids, 3 outlier columns in vectors of 6, 64 centroids.

    readonly TempFolder folder = new();

    public VptqHostileTests()
    {
        foreach (var name in (string[])["config.json", "model.safetensors"]) File.Copy(Fixtures.Of("vptq--outliers", name), folder[name]);
    }

    [Theory]
    [InlineData("in_features", "127", "group_size 125")]
    [InlineData("out_features", "193", "indices is [1, 24, 55], not [1, 25, 55]")]
    [InlineData("out_features", "0", "holds nothing")]
    [InlineData("out_features", "2000000000", "more than 2^31")]
    [InlineData("group_num", "2", "are not 2 groups of one size")]
    [InlineData("group_num", "0", "0 groups")]
    [InlineData("outlier_size", "128", "are not 1 groups of one size")]
    [InlineData("outlier_size", "-3", "-3 outlier columns")]
    [InlineData("vector_lens", "[6, 17]", "vectors of length 17")]
    [InlineData("vector_lens", "[-1, 8]", "outlier vectors of length 0")]
    [InlineData("vector_lens", "8", "vector_lens is 8, no pair")]
    [InlineData("num_centroids", "[64, 500]", "powers of two only")]
    [InlineData("num_centroids", "[64, 131072]", "not 131072")]
    [InlineData("num_centroids", "[32, 512]", "outlier_centroids.weight is [1, 384], not [1, 192]")]
    [InlineData("num_res_centroids", "[-1, 16]", "indices is")]
    [InlineData("num_res_centroids", "[16, 32]", "residual centroids of outliers")]
    [InlineData("norm_dim", "1", "norm_dim 1")]
    [InlineData("vector_quant_dim", "\"in\"", "along 'in'")]
    [InlineData("is_indice_packed", "\"yes\"", "neither true nor false")]
    [InlineData("is_indice_packed", "false", "indices has the type Int32")]
    [InlineData("format_version", "2", "the setting 'format_version'")]
    [InlineData("group_size", "64", "group_size 64")]
    public void A_configuration_that_does_not_fit_is_refused(string setting, string value, string sentence) => Refuses(sentence, () =>
        Edit(config => config["quantization_config"]!["config_for_layers"]![Layer]![setting] = JsonNode.Parse(value)));

    [Theory]
    [InlineData("quant_method", "\"gptq\"", "'gptq', not 'vptq'")]
    [InlineData("version", "3", "the setting 'version'")]
    [InlineData("config_for_layers", "{}", "names no layer")]
    [InlineData("config_for_layers", "{\"model.layers.9.mlp.up_proj\": {\"in_features\": 8, \"out_features\": 8, \"vector_lens\": [-1, 8], \"num_centroids\": [-1, 2]}}", "holds no indices of it")]
    [InlineData("config_for_layers", "{\"a\": 1}", "layer 'a' has no settings")]
    public void A_quantization_of_another_kind_is_refused(string setting, string value, string sentence) => Refuses(sentence, () =>
        Edit(config => config["quantization_config"]![setting] = JsonNode.Parse(value)));

    [Fact]
    public void A_checkpoint_without_quantization_is_refused() => Refuses("no quantization_config", () => Edit(config => config.Remove("quantization_config")));

    [Theory]
    [InlineData("{")]
    [InlineData("""{"quantization_config": {"quant_method": "vptq", "\ud800": 1}}""")]
    public void A_configuration_that_is_no_JSON_is_refused(string text) => Refuses("not legal JSON", () => File.WriteAllText(folder["config.json"], text));

    [Theory]
    [InlineData("centroids.weight", 700, "number 350 of the codebook is not finite")]
    [InlineData("res_centroids.weight", 0, "number 0 of the residual codebook is not finite")]
    [InlineData("outlier_centroids.weight", 766, "number 383 of the codebook of outliers is not finite")]
    [InlineData("weight_scale", 4, "number 2 of the weight scale is not finite")]
    [InlineData("weight_bias", 4, "number 2 of the weight bias is not finite")]
    public void Side_data_that_is_not_finite_is_refused(string part, int at, string sentence) => Refuses(sentence, () => Poke(part, at, 0x00, 0x7E));

    [Fact]
    public void An_index_outside_of_its_codebook_is_refused() => Refuses("outlier index 64 is outside of a codebook of 64", () => Poke("outlier_indices", 10, 64, 0));

    [Fact]
    public void A_permutation_that_names_no_column_is_refused() => Refuses("names column 128 of 128", () => Poke("perm", 6, 128, 0));

    [Fact]
    public void A_permutation_that_names_a_column_twice_is_refused() => Refuses("twice", () =>
    {
        var perm = VptqCheckpoint.Open(Fixtures.Of("vptq--outliers")).Tensors[$"{Layer}.perm"].Data.Span;
        Poke("perm", 0, perm[2], perm[3]);
    });

    [Theory]
    [InlineData("up_proj.perm", "up_prox.perm", "perm is absent")]
    [InlineData("up_proj.indices", "up_prox.indices", "holds no indices of it")]
    [InlineData("up_proj.centroids.weight\":{\"dtype\":\"F16\"", "up_proj.centroids.weight\":{\"dtype\":\"I16\"", "centroids.weight has the type Int16")]
    public void A_tensor_that_is_absent_or_of_another_type_is_refused(string part, string other, string sentence) => Refuses(sentence, () =>
    {
        var bytes = File.ReadAllBytes(folder["model.safetensors"]);
        var at = bytes.AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes($"layers.0.mlp.{part}"));
        System.Text.Encoding.UTF8.GetBytes($"layers.0.mlp.{other}").CopyTo(bytes.AsSpan(at));
        File.WriteAllBytes(folder["model.safetensors"], bytes);
    });

    [Fact]
    public void An_unpacked_index_outside_of_its_codebook_is_refused()
    {
        var source = Fixtures.Shared("vptq", "i_unpacked");
        foreach (var name in (string[])["config.json", "model.safetensors"]) File.WriteAllBytes(folder[name], File.ReadAllBytes(Path.Combine(source, name)));
        Refuses("index 256 is outside of a codebook of 256", () => Poke("indices", 4, 0, 1));
    }

    public void Dispose() => folder.Dispose();

    /// <summary>The checkpoint is fine before, and refused after something is done to it, with the sentence.</summary>
    void Refuses(string sentence, Action spoil)
    {
        VptqCheckpoint.Open(folder.Path).Read(Layer);
        spoil();
        var fault = Assert.Throws<InvalidDataException>(() => VptqCheckpoint.Open(folder.Path).Read(Layer));
        Assert.Contains(sentence, fault.Message);
    }

    void Edit(Action<JsonObject> change)
    {
        var config = JsonNode.Parse(File.ReadAllText(folder["config.json"]))!.AsObject();
        change(config);
        File.WriteAllText(folder["config.json"], config.ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
    }

    void Poke(string part, long at, params byte[] bytes)
    {
        var place = VptqCheckpoint.Open(folder.Path).Tensors[$"{Layer}.{part}"].Data.File!.Offset;
        using var file = File.OpenWrite(folder["model.safetensors"]);
        file.Position = place + at;
        file.Write(bytes);
    }
}
