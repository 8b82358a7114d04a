using OnnxEff.Formats;
using OnnxEff.Ir;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Formats;

public class VqInputCodesTests
{
    public static TheoryData<int, int, int, int> Sizes
    {
        get
        {
            var data = new TheoryData<int, int, int, int>();
            foreach (int k in (int[])[16, 64, 256])
                foreach ((int n, int inputs, int v) in ((int, int, int)[])[(1, 1, 2), (64, 8, 4), (63, 7, 2), (65, 9, 4), (130, 33, 2), (200, 70, 4)])
                    data.Add(n, inputs, v, k);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void A_packed_weight_comes_back(int outputs, int inputs, int v, int centroids)
    {
        VqInputWeight weight = VqInputs.Draw(outputs, inputs, v, centroids, seed: outputs, outliers: outputs / 3), back = VqInputCodes.Pack(weight).Unpack();
        Assert.Equal(weight.Codes, back.Codes);
        Assert.Equal(weight.Codebook, back.Codebook);
        Assert.Equal(weight.ColumnScale, back.ColumnScale);
        Assert.Equal(weight.RowScale, back.RowScale);
        Assert.Equal(weight.Permutation, back.Permutation);
        Assert.Equal(weight.Outliers, back.Outliers);
        Assert.Equal((outputs, inputs, v), (back.Outputs, back.Inputs, back.VectorLength));
    }

    [Fact]
    public void What_a_weight_lacks_is_no_tensor()
    {
        var codes = VqInputCodes.Pack(new(3, 4, 2, new byte[6], new Half[32]));
        Assert.Equal([null, null, null, null, null, null, null], (Tensor?[])[codes.ColumnScale, codes.RowScale, codes.Permutation, codes.OutlierRows, codes.OutlierInputs, codes.OutlierValues, codes.Bias]);
        VqInputWeight back = codes.Unpack();
        Assert.Equal((null, null, null, 0), (back.ColumnScale, back.RowScale, back.Permutation, back.Outliers.Count));
    }

    [Theory]
    [InlineData(16, 2)]
    [InlineData(64, 3)]
    [InlineData(256, 4)]
    public void Codes_of_vectors_of_two_cost_what_their_name_says(int centroids, int bitsPerWeight)
    {
        var codes = VqInputCodes.Pack(new(128, 256, 2, new byte[128 * 128], new Half[centroids * 2]));
        Assert.Equal(128 * 256 * bitsPerWeight / 8, codes.Codes.Data.Length);
        Assert.Equal(codes.Codes.Data.Length + centroids * 4, codes.Bytes);
    }

    [Fact]
    public void Codes_lie_where_the_layout_says()
    {
        // One group; row 33 stands at place 3, row 40 at place 17, row 5 at place 10.
        var rows = new byte[64];
        (rows[33], rows[40], rows[5]) = (0x2A, 0x15, 0x3F);
        ReadOnlySpan<byte> six = VqInputCodes.Pack(new(64, 2, 2, rows, new Half[128])).Codes.As<byte>();
        Assert.Equal((0xA, 0x5, 0xF), (six[3], six[17], six[10]));
        Assert.Equal((2 << 0, 1 << 2, 3 << 0), (six[32 + 3], six[32 + 1], six[32 + 10]));
        ReadOnlySpan<byte> eight = VqInputCodes.Pack(new(64, 2, 2, rows, new Half[512])).Codes.As<byte>();
        Assert.Equal((0x2A, 0x15, 0x3F), (eight[3], eight[17], eight[10]));
        // The second of two groups; row 49 stands at place 35, in the second line.
        var pairs = new byte[128];
        (pairs[2 * 33 + 1], pairs[2 * 40 + 1], pairs[2 * 5 + 1], pairs[2 * 49 + 1]) = (10, 5, 15, 9);
        ReadOnlySpan<byte> four = VqInputCodes.Pack(new(64, 4, 2, pairs, new Half[32])).Codes.As<byte>();
        Assert.Equal((128, 0x0A, 0x50, 0x0F, 0x09), (four.Length, four[16 + 3], four[16 + 1], four[16 + 10], four[64 + 16 + 3]));
    }

    [Theory]
    [InlineData(65536, ElementType.UInt16)]
    [InlineData(65537, ElementType.Int32)]
    public void Numbers_are_as_short_as_the_sizes_allow(int outputs, ElementType element)
    {
        var weight = new VqInputWeight(outputs, 2, 2, new byte[outputs], new Half[32]) { Outliers = [new(outputs - 1, 1, Half.One)] };
        var codes = VqInputCodes.Pack(weight);
        Assert.Equal(element, codes.OutlierRows!.Element);
        Assert.Equal(weight.Outliers, codes.Unpack().Outliers);
    }

    [Fact]
    public void Outliers_are_sorted_by_row_and_then_by_input()
    {
        var weight = VqInputs.Draw(9, 8, 2, 16, seed: 1, outliers: 0) with { Outliers = [new(5, 3, Half.One), new(2, 7, Half.One), new(5, 1, Half.One)] };
        Assert.Equal([(2, 7), (5, 1), (5, 3)], VqInputCodes.Pack(weight).Unpack().Outliers.Select(o => (o.Output, o.Input)));
    }

    public static TheoryData<string, VqInputWeight> Hostile()
    {
        VqInputWeight good = VqInputs.Draw(9, 7, 2, 16, seed: 1, outliers: 2);
        return new()
        {
            { "35 codes are not 9 rows of 4", good with { Codes = new byte[35] } },
            { "code 16 is outside of a codebook of 16", good with { Codes = [.. good.Codes.AsSpan(1), 16] } },
            { "16, 64 or 256 centroids, not 15", good with { Codebook = new Half[30] } },
            { "length 2 or 4, not 3", good with { VectorLength = 3, Codebook = new Half[48] } },
            { "the column scale has 6 numbers and not 7", good with { ColumnScale = new Half[6] } },
            { "the row scale has 8 numbers and not 9", good with { RowScale = new Half[8] } },
            { "the permutation has 1 numbers and not 7", good with { Permutation = [0] } },
            { "names column 0 twice", good with { Permutation = new int[7] } },
            { "an outlier lies outside", good with { Outliers = [new(0, 7, Half.One)] } },
            { "an outlier lies outside", good with { Outliers = [new(-1, 0, Half.One)] } },
            { "holds nothing", good with { Outputs = 0, Codes = [] } },
            { "more than 2^31 - 1 weights", good with { Inputs = int.MaxValue } },
        };
    }

    [Theory]
    [MemberData(nameof(Hostile))]
    public void What_is_no_weight_is_not_packed(string sentence, VqInputWeight weight) =>
        Assert.Contains(sentence, Assert.Throws<ArgumentException>(() => VqInputCodes.Pack(weight)).Message);
}
