using System.Runtime.Intrinsics.X86;
using OnnxEff.CustomOps.Cpu;
using Xunit;

namespace OnnxEff.Tests.CustomOps;

/// <summary>Tables of bytes from products of words, as one width of registers makes them.</summary>
public abstract unsafe class WordTablesTests
{
    private protected delegate bool TryWrite(TableLayout layout, VqCodebook codebook, float* x, int groups, byte* table, out float scale, ref Ahead ahead);

    /// <summary>The maker with one width of registers.</summary>
    private protected abstract TryWrite Maker { get; }

    [Theory]
    [InlineData(2, 64, 64)]
    [InlineData(2, 64, 1)]
    [InlineData(2, 256, 63)]
    [InlineData(4, 64, 33)]
    [InlineData(4, 256, 64)]
    [InlineData(4, 256, 2)]
    public void Every_product_is_within_five_eighths_of_a_step(int v, int k, int groups)
    {
        Half[] centroids = Draw(k * v, seed: k + v);
        float[] x = [.. Draw(groups * v, seed: groups).Select(h => (float)h)];
        byte[] table = Make(v, k, centroids, x, out float scale)!;
        float largest = 0;
        for (int g = 0; g < groups; g++)
            for (int c = 0; c < k; c++)
            {
                double product = Enumerable.Range(0, v).Sum(i => (double)centroids[c * v + i] * x[g * v + i]);
                Assert.InRange(scale * (table[g * k + c] - TableLayout.Zero) - product, -0.625 * scale, 0.625 * scale);
                largest = MathF.Max(largest, (float)Math.Abs(product));
            }
        Assert.InRange(largest / scale, 125.5, 127.5);
    }

    [Fact]
    public void A_component_that_multiplies_little_takes_no_steps_from_the_others()
    {
        Half[] centroids = Draw(64 * 2, seed: 5);
        for (int c = 0; c < 64; c++) centroids[2 * c] *= (Half)1000;
        float[] x = [.. Enumerable.Range(0, 32).Select(i => i % 2 == 0 ? 0 : MathF.Sin(i))];
        byte[] table = Make(2, 64, centroids, x, out float scale)!;
        for (int i = 0; i < table.Length; i++)
            Assert.InRange(scale * (table[i] - TableLayout.Zero) - (double)centroids[i % 64 * 2 + 1] * x[i / 64 * 2 + 1], -0.625 * scale, 0.625 * scale);
    }

    [Fact]
    public void Products_that_cancel_out_are_left_to_fp32()
    {
        Half[] centroids = [.. Draw(64, seed: 3).SelectMany(value => (Half[])[value, value])];
        Assert.Null(Make(2, 64, centroids, [.. Enumerable.Range(0, 64).Select(i => i % 2 == 0 ? 3f : -3f)], out _));
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(1e-38f)]
    [InlineData(3e38f)]
    public void Activations_that_words_cannot_stand_for_are_left_to_fp32(float value) =>
        Assert.Null(Make(4, 64, [.. Draw(256, seed: 7).Select(h => (Half)(4 * (float)h))], [.. Enumerable.Repeat(value, 64)], out _));

    [Fact]
    public void A_codebook_that_is_not_finite_is_left_to_fp32()
    {
        Half[] centroids = Draw(256, seed: 9);
        centroids[77] = Half.NaN;
        Assert.Null(Make(4, 64, centroids, [1, 2, 3, 4], out _));
    }

    // Normal numbers, of which some are large.
    static Half[] Draw(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (Half)Math.Pow(2 * random.NextDouble() - 1, 3))];
    }

    byte[]? Make(int v, int k, Half[] centroids, float[] x, out float scale)
    {
        int groups = x.Length / v;
        byte[] table = new byte[groups * k];
        Ahead ahead = default;
        fixed (Half* from = centroids)
        fixed (float* activations = x)
        fixed (byte* target = table)
            return Maker(new(1, groups, v, k, 1), new(new(64, x.Length, v, k), from), activations, groups, target, out scale, ref ahead) ? table : null;
    }
}

/// <summary>The baseline level.</summary>
public sealed unsafe class WordTablesTests_128 : WordTablesTests
{
    private protected override TryWrite Maker => WordTables<Words128, V128>.TryWrite;
}

/// <summary>AVX2.</summary>
public sealed unsafe class WordTablesTests_256 : WordTablesTests
{
    private protected override TryWrite Maker
    {
        get
        {
            Assert.SkipUnless(Avx2.IsSupported, "This processor has no AVX2.");
            return WordTables<Words256, V256>.TryWrite;
        }
    }
}

/// <summary>AVX-512.</summary>
public sealed unsafe class WordTablesTests_512 : WordTablesTests
{
    private protected override TryWrite Maker
    {
        get
        {
            Assert.SkipUnless(Avx512BW.IsSupported, "This processor has no AVX-512.");
            return WordTables<Words512, V512>.TryWrite;
        }
    }
}
