using OnnxEff.Formats;
using Xunit;

namespace OnnxEff.Tests.Formats;

public class PackedIndicesTests
{
    [Fact]
    public void The_public_example_gives_its_words()
    {
        int[] main = [1, 4095, 2048, 7, 100], residual = [255, 0, 17, 128, 3];
        var words = new int[4];
        for (var c = 0; c < main.Length; c++) PackedIndices.Write(words, c, 20, (uint)(main[c] | residual[c] << 12));
        Assert.Equal(["fffff001", "71180000", "30648000", "00000000"], words.Select(w => w.ToString("x8")));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(12)]
    [InlineData(16)]
    [InlineData(24)]
    [InlineData(31)]
    [InlineData(32)]
    public void What_was_written_is_read(int bits)
    {
        const int count = 67;
        var random = new Random(bits);
        uint[] indices = [.. Enumerable.Range(0, count).Select(_ => (uint)random.NextInt64(1L << bits))];
        var words = new int[(count * bits + 31) / 32];
        for (var c = 0; c < count; c++) PackedIndices.Write(words, c, bits, indices[c]);
        Assert.Equal(indices, Enumerable.Range(0, count).Select(c => PackedIndices.Read(words, c, bits)));
    }
}
