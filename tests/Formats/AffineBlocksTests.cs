using OnnxEff.Formats;
using OnnxEff.Tests.CustomOps;
using Xunit;

namespace OnnxEff.Tests.Formats;

/// <summary>What is stored is what is read, and a grid is found exactly where weights lie on one.</summary>
public class AffineBlocksTests
{
    public static TheoryData<int, bool> Kinds => new() { { 4, false }, { 4, true }, { 8, false }, { 8, true } };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_weight_on_a_grid_is_stored_without_loss(int bits, bool hasMinima)
    {
        AffineBlocks drawn = AffineMatMulTests.Draw(new(33, 100, bits, hasMinima));
        float[] weight = drawn.Decode();
        AffineBlocks found = GridSearch.Find(weight, 33, 100)!;
        Assert.Equal(weight, found.Decode());
        Assert.True(found.Layout.UnitBytes <= drawn.Layout.UnitBytes);
    }

    [Theory]
    [InlineData(4, 288)]
    [InlineData(8, 544)]
    public void Quants_around_zero_need_no_minima(int bits, int unit)
    {
        var random = new Random(1);
        int half = 1 << (bits - 1);
        float[] weight = [.. Enumerable.Range(0, 16 * 64).Select(i => (i % 32 == 3 ? 1 - half : random.Next(1 - half, half)) * (float)(Half)(0.01f + i / 32 * 0.001f))];
        Assert.Equal(unit, GridSearch.Find(weight, 16, 64)!.Layout.UnitBytes);
    }

    [Fact]
    public void Blocks_of_one_number_and_of_nothing_are_grids()
    {
        float[] weight = [.. Enumerable.Repeat(0f, 32), .. Enumerable.Repeat(-0.125f, 32), .. Enumerable.Repeat(1f, 5)];
        Assert.Equal(weight, GridSearch.Find(weight, 1, 69)!.Decode());
    }

    [Fact]
    public void Other_weights_are_left()
    {
        var random = new Random(2);
        float[] weight = [.. Enumerable.Range(0, 640).Select(_ => random.NextSingle())];
        Assert.Null(GridSearch.Find(weight, 10, 64));
        float[] onGrid = AffineMatMulTests.Draw(new(10, 64, 4, true)).Decode();
        onGrid[^1] = BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(onGrid[^1]) ^ 1);
        Assert.Null(GridSearch.Find(onGrid, 10, 64));
        onGrid[0] = float.NaN;
        Assert.Null(GridSearch.Find(onGrid, 10, 64));
    }
}
