using System.Runtime.Intrinsics.X86;
using OnnxEff.CustomOps.Cpu;
using OnnxEff.Formats;
using OnnxEff.Ir;
using OnnxEff.Ops;
using Xunit;

namespace OnnxEff.Tests.CustomOps;

/// <summary>Products with many tokens at accuracy level 4, from the published library.</summary>
public class ByteProductTests
{
    // Outputs around a decoded tile of 64, inputs around a block of 128, tokens around a panel of 48.
    public static TheoryData<int, int, int> Sizes => new()
    {
        { 1, 1, 17 }, { 63, 128, 49 }, { 64, 129, 48 }, { 130, 300, 47 }, { 577, 96, 100 },
    };

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Outputs_are_off_by_what_rounding_to_bytes_makes(int n, int k, int tokens)
    {
        AffineBlocks weight = Draw(n, k);
        Dense<float> input = Input(tokens, k), expected = AffineMatMul.Reference(weight, null, input), actual = Run(weight, input, AccuracyLevel.Bytes);
        float[] w = weight.Decode();
        for (int t = 0; t < tokens; t++)
            for (int o = 0; o < n; o++)
                Assert.InRange(actual.Data[t * n + o] - expected.Data[t * n + o], -Bound(t, o), Bound(t, o));

        // Half a step of each activation, one for 32 of them, times the weight, and half a step of each weight, one for 128, the other way round; then fp32 sums.
        double Bound(int t, int o)
        {
            double sum = 0;
            for (int j = 0; j < k; j++)
            {
                double stepX = Largest(input.Data, t, j, 32) / 127, stepW = Largest(w, o, j, 128) / 127;
                sum += (Math.Abs(input.Data[t * k + j]) * stepW + Math.Abs(w[o * k + j]) * stepX + stepX * stepW / 2) / 2;
            }
            return sum * 1.001 + 1e-6;
        }

        double Largest(float[] rows, int row, int column, int count)
        {
            int from = column / count * count, largest = row * k + from;
            for (int i = largest; i < row * k + Math.Min(k, from + count); i++) largest = Math.Abs(rows[i]) > Math.Abs(rows[largest]) ? i : largest;
            return Math.Abs(rows[largest]);
        }
    }

    [Fact]
    public void Level_4_is_taken_where_the_processor_multiplies_bytes_or_words()
    {
        AffineBlocks weight = Draw(130, 300);
        Dense<float> input = Input(40, 300);
        float[] full = Run(weight, input, AccuracyLevel.Full).Data, rounded = Run(weight, input, AccuracyLevel.Bytes).Data;
        double error = Math.Sqrt(full.Zip(rounded, (a, b) => (double)(a - b) * (a - b)).Sum() / full.Sum(a => (double)a * a));
        (double least, double most) = BytePanels.ProcessorTakes ? (1e-3, 2e-2) : Avx2.IsSupported && !OperatingSystem.IsWindows() ? (1e-5, 4e-4) : (0, 0);
        Assert.InRange(error, least, most);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public void A_block_of_equal_numbers_has_the_largest_sum_and_keeps_it(int sign)
    {
        var layout = new AffineBlockLayout(70, 256, 4, HasMinima: false);
        AffineBlocks weight = AffineBlocks.Pack(layout, new byte[70 * 256], [.. Enumerable.Repeat((Half)1, 70 * layout.Blocks)], []); // -8, all of them
        var input = new Dense<float>([1, 30, 256], [.. Enumerable.Repeat(sign * 3f, 30 * 256)]);
        Assert.All(Run(weight, input, AccuracyLevel.Bytes).Data, y => Assert.Equal(-8 * sign * 3 * 256, y, 0.01f));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void What_is_not_finite_reaches_the_outputs_of_its_token_only(float value)
    {
        AffineBlocks weight = Draw(70, 200);
        Dense<float> input = Input(50, 200);
        input.Data[3 * 200 + 130] = value;
        float[] output = Run(weight, input, AccuracyLevel.Bytes).Data;
        Assert.All(output.Chunk(70).Select((row, t) => (row, t)), r => Assert.All(r.row, y => Assert.Equal(r.t != 3, float.IsFinite(y))));
    }

    [Theory]
    [InlineData(8, 256, 256, 2)]
    [InlineData(12, 64, 0, 1)]
    [InlineData(5, 16, 0, 3)]
    public void A_public_layout_is_near_its_reference(int v, int centroids, int residual, int groups)
    {
        var c = new VptqCase(new(130, 198, v, centroids) { ResidualCentroids = residual, Groups = groups }, 30) { Permuted = true, Scaled = true, Biased = true, Tokens = 60 };
        VptqCodes codes = c.Codes();
        Dense<float> expected = VptqMatMul.Reference(codes, c.Input());
        AttentionRun.Near(expected, LinearNode.Run(c.Input(), ElementType.Float32, VptqMatMul.Schema, VptqMatMul.Tensors(codes),
            ("K", 198), ("N", 130), (AccuracyLevel.Name, AccuracyLevel.Bytes)), expected.Data.Max(MathF.Abs) * 2e-2);
    }

    // Centroids of all paddings, codes of 1, 8, 11, 13 and 16 bits, columns around a step of 128 and a segment of 2048, tokens around passes of 8.
    public static TheoryData<int, int, int, int, int> FewTokens
    {
        get
        {
            TheoryData<int, int, int, int, int> data = [];
            foreach ((int v, int centroids, int residual, int inputs) in ((int, int, int, int)[])[(8, 256, 256, 198), (4, 16, 16, 128), (12, 64, 32, 129), (16, 256, 0, 300), (8, 128, 64, 2100), (5, 2, 0, 64)])
                foreach (int tokens in (int[])[1, 2, 3, 5, 8, 9, 24]) data.Add(v, centroids, residual, inputs, tokens);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(FewTokens))]
    public void Few_tokens_of_a_public_layout_are_off_as_its_declaration_says(int v, int centroids, int residual, int inputs, int tokens)
    {
        VptqCase c = new(new(130, inputs, v, centroids) { ResidualCentroids = residual, Groups = inputs % 3 == 0 ? 3 : 1 }, tokens) { Permuted = true, Scaled = true, Biased = true };
        float[] expected = VptqMatMul.Reference(c.Codes(), c.Input()).Data, actual = RunPublic(c, c.Input(), AccuracyLevel.Bytes).Data;
        double error = Math.Sqrt(expected.Zip(actual, (a, b) => (double)(a - b) * (a - b)).Sum() / expected.Sum(a => (double)a * a));
        Assert.InRange(error, 0, 2e-2);
        Assert.All(expected.Zip(actual), pair => Assert.InRange(pair.Second - pair.First, -3e-2 * expected.Max(MathF.Abs), 3e-2 * expected.Max(MathF.Abs)));
    }

    [Fact]
    public void Few_tokens_of_a_public_layout_are_rounded_where_the_processor_looks_bytes_up()
    {
        VptqCase c = new(new(130, 300, 8, 256) { ResidualCentroids = 256 }, 2), wide = new(new(130, 300, 8, 4096), 2);
        Assert.Equal(ByteCentroids.ProcessorTakes, !RunPublic(c, c.Input(), AccuracyLevel.Full).Data.AsSpan().SequenceEqual(RunPublic(c, c.Input(), AccuracyLevel.Bytes).Data));
        Assert.Equal(RunPublic(wide, wide.Input(), AccuracyLevel.Full).Data, RunPublic(wide, wide.Input(), AccuracyLevel.Bytes).Data);
    }

    [Fact]
    public void Centroids_as_large_as_their_residuals_keep_their_sum()
    {
        var c = new VptqCase(new(70, 256, 8, 256) { ResidualCentroids = 256 }, 3);
        VptqCodes ones = c.Codes() with { Codebook = Ones(), ResidualCodebook = Ones() };
        var input = new Dense<float>([1, 3, 256], [.. Enumerable.Repeat(0.5f, 3 * 256)]);
        Dense<float> output = LinearNode.Run(input, ElementType.Float32, VptqMatMul.Schema, VptqMatMul.Tensors(ones), ("K", 256), ("N", 70), (AccuracyLevel.Name, AccuracyLevel.Bytes));
        Assert.All(output.Data, y => Assert.Equal(2 * 0.5f * 256, y, 0.01f));

        static Tensor Ones() => Tensor.Create<float>([1, 256, 8], Enumerable.Repeat(1f, 256 * 8).ToArray());
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.NegativeInfinity)]
    public void What_is_not_finite_reaches_the_outputs_of_its_token_in_a_public_layout(float value)
    {
        var c = new VptqCase(new(130, 300, 8, 256) { ResidualCentroids = 256 }, 3);
        Dense<float> input = c.Input();
        input.Data[300 + 77] = value;
        float[] output = RunPublic(c, input, AccuracyLevel.Bytes).Data;
        Assert.All(output.Chunk(130).Select((row, t) => (row, t)), r => Assert.All(r.row, y => Assert.Equal(r.t != 1, float.IsFinite(y))));
    }

    static Dense<float> RunPublic(VptqCase c, Dense<float> input, int level) => LinearNode.Run(input, ElementType.Float32, VptqMatMul.Schema, VptqMatMul.Tensors(c.Codes()),
        ("K", c.Layout.Inputs), ("N", c.Layout.Outputs), (AccuracyLevel.Name, level));

    static Dense<float> Run(AffineBlocks weight, Dense<float> input, int level) => LinearNode.Run(input, ElementType.Float32, AffineMatMul.Schema, [("weight", weight.Units)],
        ("K", weight.Layout.Inputs), ("N", weight.Layout.Outputs), (AccuracyLevel.Name, level));

    static AffineBlocks Draw(int n, int k)
    {
        var layout = new AffineBlockLayout(n, k, 4, HasMinima: true);
        var random = new Random(n + k);
        byte[] codes = [.. Enumerable.Range(0, n * k).Select(_ => (byte)random.Next(16))];
        Half[] scales = [.. Enumerable.Range(0, n * layout.Blocks).Select(_ => (Half)(0.1 + random.NextDouble()))];
        return AffineBlocks.Pack(layout, codes, scales, [.. scales.Select(s => (Half)(-7 * (float)s))]);
    }

    static Dense<float> Input(int tokens, int k)
    {
        var random = new Random(tokens);
        return new([1, tokens, k], [.. Enumerable.Range(0, tokens * k).Select(_ => random.NextSingle() - 0.5f)]);
    }
}
