using System.Buffers.Binary;
using System.Text;
using OnnxEff.Formats;
using OnnxEff.Ir;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Formats;

public sealed class SafetensorsTests : IDisposable
{
    readonly TempFolder folder = new();

    [Fact]
    public void Tensors_of_every_type_and_rank_are_read_in_any_order()
    {
        var file = Open("""{"__metadata__": {"format": "pt"}, "b": {"dtype": "F32", "shape": [], "data_offsets": [6, 10]}, "a": {"dtype": "BF16", "shape": [3, 1], "data_offsets": [0, 6]}, "e": {"dtype": "I64", "shape": [0, 7], "data_offsets": [10, 10]}}   """,
            [1, 0, 2, 0, 3, 0, 0, 0, 128, 63]);
        Assert.Equal(["a", "b", "e"], file.Tensors.Keys.Order());
        Assert.Equal((ElementType.BFloat16, 3), (file.Tensors["a"].Element, file.Tensors["a"].Count));
        Assert.Equal([3, 1], file.Tensors["a"].Dims.ToArray());
        Assert.Equal([1, 0, 2, 0, 3, 0], file.Tensors["a"].Data.Span.ToArray());
        Assert.Equal([1f], file.Tensors["b"].As<float>().ToArray());
        Assert.Equal(0, file.Tensors["e"].Count);
    }

    [Theory]
    [InlineData("[]", 0, "no JSON object")]
    [InlineData("{", 0, "not legal JSON")]
    [InlineData("\0\0\0\0", 0, "not legal JSON")]
    [InlineData("""{"\ud800": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}""", 4, "not legal JSON")]
    [InlineData("""{"a": {"dtype": "\udc00", "shape": [1], "data_offsets": [0, 4]}}""", 4, "not legal JSON")]
    [InlineData("""{"a": 1}""", 0, "needs dtype")]
    [InlineData("""{"a": {"dtype": "F32", "shape": [1]}}""", 4, "needs dtype")]
    [InlineData("""{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4], "more": 1}}""", 4, "nothing else")]
    [InlineData("""{"a": {"dtype": 7, "shape": [1], "data_offsets": [0, 4]}}""", 4, "needs dtype")]
    [InlineData("""{"a": {"dtype": "F33", "shape": [1], "data_offsets": [0, 4]}}""", 4, "unknown type 'F33'")]
    [InlineData("""{"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}""", 4, "needs dtype")]
    [InlineData("""{"a": {"dtype": "F32", "shape": [1.5], "data_offsets": [0, 4]}}""", 4, "needs dtype")]
    [InlineData("""{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4, 4]}}""", 4, "needs dtype")]
    [InlineData("""{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}""", 4, "does not take the 4 bytes")]
    [InlineData("""{"a": {"dtype": "F32", "shape": [4611686018427387904, 4611686018427387904], "data_offsets": [0, 4]}}""", 4, "does not take the 4 bytes")]
    [InlineData("""{"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}}""", 4, "outside of 4 bytes")]
    [InlineData("""{"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}""", 4, "outside of 4 bytes")]
    [InlineData("""{"a": {"dtype": "F32", "shape": [1], "data_offsets": [9223372036854775803, 9223372036854775807]}}""", 4, "outside of 4 bytes")]
    [InlineData("""{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}, "b": {"dtype": "F32", "shape": [1], "data_offsets": [2, 6]}}""", 6, "'b' overlaps")]
    [InlineData("""{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}, "b": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}""", 4, "'b' overlaps")]
    [InlineData("""{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}, "b": {"dtype": "F32", "shape": [1], "data_offsets": [8, 12]}}""", 12, "the 4 bytes before tensor 'b'")]
    [InlineData("""{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}""", 6, "its last 2 bytes")]
    [InlineData("""{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}, "a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}""", 8, "two tensors named 'a'")]
    public void A_header_that_breaks_a_rule_is_refused(string header, int bytes, string sentence) =>
        Assert.Contains(sentence, Assert.Throws<InvalidDataException>(() => Open(header, new byte[bytes])).Message);

    [Theory]
    [InlineData(5, 0, "5 bytes")]
    [InlineData(20, 100, "claims 100 bytes, and 12 follow")]
    [InlineData(20, 100_000_001, "100000000 are allowed")]
    [InlineData(20, long.MaxValue, "are allowed")]
    [InlineData(20, -1, "are allowed")]
    public void A_header_that_does_not_fit_is_refused(int bytes, long claimed, string sentence)
    {
        var content = new byte[bytes];
        if (bytes >= 8) BinaryPrimitives.WriteInt64LittleEndian(content, claimed);
        File.WriteAllBytes(folder["x.safetensors"], content);
        Assert.Contains(sentence, Assert.Throws<InvalidDataException>(() => SafetensorsFile.Open(folder["x.safetensors"])).Message);
    }

    [Fact]
    public void A_file_cut_at_any_place_is_refused()
    {
        var whole = File.ReadAllBytes(Fixtures.Of("vptq--outliers", "model.safetensors"));
        for (var length = 0; length < whole.Length; length += 1 + length / 3)
        {
            File.WriteAllBytes(folder["x.safetensors"], whole[..length]);
            Assert.Throws<InvalidDataException>(() => SafetensorsFile.Open(folder["x.safetensors"]));
        }
    }

    [Theory]
    [InlineData("""{"weight_map": {"a": "../x.safetensors"}}""", "does not lie in its folder")]
    [InlineData("""{"weight_map": {"a": "/etc/passwd"}}""", "does not lie in its folder")]
    [InlineData("""{"weight_map": {"lost": "x.safetensors"}}""", "which it does not")]
    [InlineData("""{"weight_map": {"a": "x.safetensors", "a": "x.safetensors"}}""", "'a' twice")]
    [InlineData("""{"weight_map": {"a": 1}}""", "no weight_map")]
    [InlineData("{}", "no weight_map")]
    [InlineData("[", "not legal JSON")]
    [InlineData("""{"weight_map": {"\ud800": "x.safetensors"}}""", "not legal JSON")]
    public void An_index_that_names_what_is_not_there_is_refused(string index, string sentence)
    {
        Open("""{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}""", new byte[4]);
        File.WriteAllText(folder["model.safetensors.index.json"], index);
        Assert.Contains(sentence, Assert.Throws<InvalidDataException>(() => SafetensorsFolder.Open(folder.Path)).Message);
    }

    public void Dispose() => folder.Dispose();

    SafetensorsFile Open(string header, byte[] data)
    {
        var json = Encoding.UTF8.GetBytes(header);
        var length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, json.Length);
        File.WriteAllBytes(folder["x.safetensors"], [.. length, .. json, .. data]);
        return SafetensorsFile.Open(folder["x.safetensors"]);
    }
}
