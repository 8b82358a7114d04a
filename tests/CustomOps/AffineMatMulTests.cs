using System.Runtime.Intrinsics.X86;
using OnnxEff.CustomOps.Cpu;
using OnnxEff.Formats;
using OnnxEff.Ir;
using OnnxEff.Ops;
using Xunit;

namespace OnnxEff.Tests.CustomOps;

/// <summary>The kernel against the scalar reference, on guarded memory, at every width of registers.</summary>
public unsafe class AffineMatMulTests
{
    public static TheoryData<int, bool, int, int, int> Cases
    {
        get
        {
            var data = new TheoryData<int, bool, int, int, int>();
            foreach (int bits in (int[])[4, 8])
                foreach (bool hasMinima in (bool[])[false, true])
                    // Outputs around a tile of 16 and a decoded one of 64, inputs around a block of 32 and a decoded tile of 128.
                    foreach ((int n, int k) in ((int, int)[])[(1, 1), (15, 31), (16, 32), (17, 33), (63, 128), (64, 129), (130, 300), (577, 96)])
                        foreach (int tokens in (int[])[0, 1, 3, 16, 17, 49]) data.Add(bits, hasMinima, n, k, tokens);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Outputs_are_off_by_what_rounding_inputs_to_16_bits_makes(int bits, bool hasMinima, int n, int k, int tokens)
    {
        AffineBlocks weight = Draw(new(n, k, bits, hasMinima));
        float[] bias = [.. Enumerable.Range(0, n).Select(o => MathF.Sin(o))];
        Dense<float> input = Input(tokens, k), expected = AffineMatMul.Reference(weight, bias, input);
        double[] bound = Bound(weight, input, rounded: tokens <= 16);
        foreach (ParallelFor? parallel in (ParallelFor?[])[null, AttentionRun.EveryIndex])
            foreach ((string level, float[] actual) in AtEachLevel(weight, bias, input, parallel))
            {
                Assert.Equal(expected.Data.Length, actual.Length);
                for (int i = 0; i < actual.Length; i++)
                    if (!(Math.Abs(expected.Data[i] - actual[i]) <= bound[i])) Assert.Fail($"{level}: {actual[i]} at {i}, not {expected.Data[i]} ± {bound[i]}.");
            }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(40)]
    public void The_number_of_threads_changes_nothing(int tokens)
    {
        AffineBlocks weight = Draw(new(1000, 640, 4, true));
        Dense<float> input = Input(tokens, 640);
        ParallelFor threads = (count, body) => Parallel.For(0, count, body);
        Assert.Equal(AtEachLevel(weight, null, input, null).Select(level => level.Output), AtEachLevel(weight, null, input, threads).Select(level => level.Output));
    }

    [Theory]
    [InlineData(float.NaN, 1)]
    [InlineData(float.NegativeInfinity, 1)]
    [InlineData(float.NaN, 20)]
    public void What_is_not_finite_reaches_the_outputs_of_its_token_only(float value, int tokens)
    {
        AffineBlocks weight = Draw(new(40, 70, 8, true));
        Dense<float> input = Input(tokens + 1, 70);
        input.Data[35] = value;
        foreach ((_, float[] actual) in AtEachLevel(weight, null, input, null))
            Assert.All(actual.Chunk(40).Select((row, t) => (row, t)), r => Assert.All(r.row, y => Assert.Equal(r.t == 0, !float.IsFinite(y))));
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(1e-40f)]
    public void Activations_next_to_nothing_make_the_bias(float value)
    {
        AffineBlocks weight = Draw(new(20, 64, 4, true));
        float[] bias = [.. Enumerable.Range(1, 20).Select(o => (float)o)];
        foreach ((_, float[] actual) in AtEachLevel(weight, bias, new([1, 64], [.. Enumerable.Repeat(value, 64)]), null))
            Assert.All(actual.Zip(bias), pair => Assert.Equal(pair.Second, pair.First, 1e-30f));
    }

    [Theory]
    [InlineData(4, false)]
    [InlineData(8, true)]
    public void Rows_are_gathered_as_they_are(int bits, bool hasMinima)
    {
        AffineBlocks table = Draw(new(37, 50, bits, hasMinima));
        float[] dense = table.Decode();
        using var memory = new Arena();
        long[] ids = [36, 0, -1, 17, -37];
        TensorPointer output = memory.Empty([ids.Length, 50], ElementType.Float32);
        Assert.Null(AffineGatherKernel.Run(table.Layout, memory.Copy(Tensor.Vector<long>(ids)), memory.Copy(table.Units), (float*)output.Data, null));
        Assert.Equal(ids.SelectMany(id => dense.AsSpan((int)(id < 0 ? id + 37 : id) * 50, 50).ToArray()), Arena.Read(output).Data);
        foreach (long wrong in (long[])[37, -38, long.MaxValue])
            Assert.Equal($"indices holds {wrong}, which is no row of 37.",
                AffineGatherKernel.Run(table.Layout, memory.Copy(Tensor.Vector<long>([wrong])), memory.Copy(table.Units), (float*)output.Data, null));
    }

    // The published library has functions of its own for whole tiles, and for so many tokens at once.
    public static TheoryData<int, bool, int, int> NodeCases
    {
        get
        {
            var data = new TheoryData<int, bool, int, int>();
            foreach (int bits in (int[])[4, 8])
                foreach (bool hasMinima in (bool[])[false, true])
                    foreach (int n in (int[])[1, 15, 16, 50, 577])
                        foreach (int tokens in (int[])[1, 2, 3, 4, 7, 8, 15, 16]) data.Add(bits, hasMinima, n, tokens);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(NodeCases))]
    public void A_session_computes_what_the_reference_says(int bits, bool hasMinima, int n, int tokens)
    {
        int k = 33 + tokens * 20;
        AffineBlocks weight = Draw(new(n, k, bits, hasMinima));
        float[] bias = [.. Enumerable.Range(0, n).Select(o => MathF.Sin(o))];
        foreach (float[]? shift in (float[]?[])[null, bias])
        {
            Dense<float> input = new([1, tokens, k], Input(tokens, k).Data), expected = AffineMatMul.Reference(weight, shift, input);
            Dense<float> actual = LinearNode.Run(input, ElementType.Float32, AffineMatMul.Schema,
                [("weight", weight.Units), ("bias", shift is null ? null : Tensor.Vector<float>(shift))], ("K", k), ("N", n));
            double[] bound = Bound(weight, input, rounded: true);
            Assert.All(expected.Data.Zip(actual.Data, bound), e => Assert.InRange(e.First - e.Second, -e.Third, e.Third));
        }
    }

    [Fact]
    public void A_session_refuses_a_weight_of_other_sizes()
    {
        AffineBlocks weight = Draw(new(50, 96, 4, true));
        Dense<float> input = new([1, 3, 96], Input(3, 96).Data);
        var refusal = Assert.Throws<OnnxEff.Runtime.OrtException>(() =>
            LinearNode.Run(input, ElementType.Float32, AffineMatMul.Schema, [("weight", weight.Units)], ("K", 96), ("N", 70)));
        Assert.Contains("weight is [4, 3, 320], not [5, 3, 320]", refusal.Message);
    }

    static List<(string Level, float[] Output)> AtEachLevel(AffineBlocks weight, float[]? bias, Dense<float> input, ParallelFor? parallel)
    {
        var outputs = new List<(string, float[])> { ("128", Run<V128>(weight, bias, input, parallel)) };
        if (Avx2.IsSupported) outputs.Add(("256", Run<V256>(weight, bias, input, parallel)));
        if (Avx512BW.IsSupported) outputs.Add(("512", Run<V512>(weight, bias, input, parallel)));
        return outputs;
    }

    static float[] Run<TLanes>(AffineBlocks weight, float[]? bias, Dense<float> input, ParallelFor? parallel) where TLanes : unmanaged, ILanes<TLanes>
    {
        using var memory = new Arena();
        int tokens = input.Data.Length / weight.Layout.Inputs;
        TensorPointer x = memory.Put(input, ElementType.Float32), units = memory.Copy(weight.Units), output = memory.Empty([tokens, weight.Layout.Outputs], ElementType.Float32);
        TensorPointer shift = bias is null ? default : memory.Copy(Tensor.Vector<float>(bias));
        AffineMatMulKernel.Run<TLanes>(weight.Layout, AccuracyLevel.Full, (float*)x.Data, (byte*)units.Data, (float*)shift.Data, (float*)output.Data, tokens, parallel);
        return Arena.Read(output).Data;
    }

    // Half a step of its block for each input, times the weight; then the rounding of fp32 sums.
    static double[] Bound(AffineBlocks weight, Dense<float> input, bool rounded)
    {
        (int n, int k) = (weight.Layout.Outputs, weight.Layout.Inputs);
        float[] w = weight.Decode();
        return [.. input.Data.Chunk(k).SelectMany(x => Enumerable.Range(0, n).Select(o =>
        {
            double sum = 1e-5;
            for (int i = 0; i < k; i++)
            {
                double most = rounded ? x.AsSpan(i / 32 * 32, Math.Min(32, k - i / 32 * 32)).ToArray().Max(MathF.Abs) / 65534.0 : 0;
                // A scale, a code and a minimum may be larger than the weight that they add up to.
                sum += Math.Abs(w[o * k + i]) * most * 1.01 + Math.Abs(x[i]) * 300 * 3e-7;
            }
            return sum;
        }))];
    }

    internal static Dense<float> Input(int tokens, int k)
    {
        var random = new Random(tokens * 1000 + k);
        return new([tokens, k], [.. Enumerable.Range(0, tokens * k).Select(_ => random.NextSingle() * 2 - 1)]);
    }

    /// <summary>A weight with scales and minima that any block may have.</summary>
    internal static AffineBlocks Draw(AffineBlockLayout layout)
    {
        var random = new Random(layout.Outputs * 7919 + layout.Inputs);
        int blocks = layout.Outputs * layout.Blocks;
        byte[] codes = [.. Enumerable.Range(0, layout.Outputs * layout.Inputs).Select(_ => (byte)random.Next(1 << layout.Bits))];
        Half[] scales = [.. Enumerable.Range(0, blocks).Select(_ => (Half)((layout.HasMinima || random.Next(2) == 0 ? 1 : -1) * (0.1f + random.NextSingle()) / (1 << layout.Bits)))];
        return AffineBlocks.Pack(layout, codes, scales, [.. Enumerable.Range(0, blocks).Select(_ => (Half)(random.NextSingle() - 0.5f))]);
    }
}
