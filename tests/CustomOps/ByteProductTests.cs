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
    public void Level_4_is_taken_where_the_processor_multiplies_bytes()
    {
        AffineBlocks weight = Draw(130, 300);
        Dense<float> input = Input(40, 300);
        Assert.Equal(BytePanels.ProcessorTakes, !Run(weight, input, AccuracyLevel.Full).Data.AsSpan().SequenceEqual(Run(weight, input, AccuracyLevel.Bytes).Data));
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
