using OnnxEff.CustomOps.Cpu;
using OnnxEff.Formats;
using OnnxEff.Ir;
using OnnxEff.Ops;
using Xunit;

namespace OnnxEff.Tests.CustomOps;

/// <summary>The kernel against the scalar reference, on guarded memory.</summary>
public unsafe class VptqMatMulTests
{
    // Around the numbers of tokens where one way of computing ends: one, four at once, half a panel of 12, 24 and 48, a panel, a pass.
    static readonly int[] Tokens = [0, 1, 2, 3, 4, 5, 6, 7, 9, 12, 13, 24, 25, 49];

    public static TheoryData<VptqCase> Cases
    {
        get
        {
            var data = new TheoryData<VptqCase>();
            foreach (VptqCase layer in Layers())
                foreach (int tokens in layer.Layout.Inputs * layer.Layout.Outputs < 1 << 15 ? Tokens : [1, 3, 30])
                    data.Add(layer with { Tokens = tokens });
            return data;
        }
    }

    static IEnumerable<VptqCase> Layers()
    {
        yield return new(new(1, 1, 8, 2), 1);
        foreach (int v in (int[])[1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 16]) // Each alone, and with 1 to v - 1 rows of padding.
        {
            yield return new(new(3 * v, 33, v, 64), 1) { Scaled = true };
            yield return new(new(9 * v + 1, 70, v, 256) { ResidualCentroids = 256 }, 1) { HalfSideData = true, Permuted = true };
        }
        foreach ((int k, int k2) in new[] { (2, 0), (2, 2), (16, 16), (128, 32), (512, 0), (4096, 0), (256, 16), (512, 128), (4096, 4096), (65536, 0), (65536, 256), (65536, 65536), (16, 256) })
            yield return new(new(37, 131, 8, k) { ResidualCentroids = k2 }, 1) { Biased = true, HalfSideData = k > 256 };
        VptqLayout grouped = new(50, 96, 8, 32) { Groups = 3, ResidualCentroids = 8 };
        yield return new(grouped, 1) { Permuted = true, Scaled = true, Biased = true };
        yield return new(grouped with { Inputs = 3 }, 1) { Permuted = true };
        VptqLayout outliers = new(130, 99, 12, 64) { OutlierColumns = 3, OutlierVectorLength = 4, OutlierCentroids = 37 };
        yield return new(outliers, 1) { Permuted = true, Scaled = true, Biased = true, HalfSideData = true };
        yield return new(outliers with { VectorLength = 8, OutlierVectorLength = 6, Groups = 2, ResidualCentroids = 4 }, 1) { Permuted = true };
        yield return new(outliers with { VectorLength = 4, OutlierVectorLength = 16 }, 1);
        yield return new(new(520, 1030, 8, 256) { ResidualCentroids = 256 }, 1) { Permuted = true, Scaled = true, Biased = true };
        yield return new(new(264, 1553, 6, 4096), 1) { Permuted = true, Scaled = true };
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Every_level_and_type_agrees_with_the_reference(VptqCase c)
    {
        VptqCodes codes = c.Codes();
        Dense<float> input = c.Input(), expected = VptqMatMul.Reference(codes, input);
        // Relative to the largest output: fp32 adds in another order; a half is rounded once.
        double largest = expected.Data.Select(MathF.Abs).DefaultIfEmpty().Max(), half = largest / 2048, single = largest * 1e-5;
        AttentionRun.Near(expected, Kernel<V128>(codes, input, ElementType.Float32), single + double.Epsilon);
        AttentionRun.Near(expected, Kernel<V256>(codes, input, ElementType.Float32), single + double.Epsilon);
        AttentionRun.Near(expected, Kernel<V512>(codes, input, ElementType.Float32), single + double.Epsilon);
        AttentionRun.Near(expected, Kernel<V256>(codes, input, ElementType.Float16), half + single + double.Epsilon);
        AttentionRun.Near(expected, Kernel<V512>(codes, input, ElementType.Float16), half + single + double.Epsilon);
    }

    [Fact]
    public void More_tokens_than_a_pass_takes_agree_with_the_reference()
    {
        var c = new VptqCase(new(24, 40, 8, 256) { ResidualCentroids = 16 }, 2100) { Scaled = true };
        Dense<float> expected = VptqMatMul.Reference(c.Codes(), c.Input());
        AttentionRun.Near(expected, Kernel<V512>(c.Codes(), c.Input(), ElementType.Float32), 1e-5 * expected.Data.Max(MathF.Abs));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(60)]
    public void The_number_of_threads_changes_nothing(int tokens)
    {
        var c = new VptqCase(new(520, 300, 8, 256) { ResidualCentroids = 256, OutlierColumns = 4, OutlierVectorLength = 4, OutlierCentroids = 99 }, tokens) { Scaled = true };
        Assert.Equal(Kernel<V256>(c.Codes(), c.Input(), ElementType.Float32).Data,
            Kernel<V256>(c.Codes(), c.Input(), ElementType.Float32, (count, body) => Parallel.For(0, count, body)).Data);
    }

    [Fact]
    public void A_NaN_reaches_the_outputs_of_its_token_only()
    {
        var c = new VptqCase(new(40, 32, 8, 16), 30);
        Dense<float> input = c.Input();
        input.Data[3 * 32 + 7] = float.NaN;
        float[] output = Kernel<V256>(c.Codes(), input, ElementType.Float32).Data;
        Assert.All(output.Chunk(40).Select((row, t) => (row, t)), r => Assert.All(r.row, y => Assert.Equal(r.t == 3, float.IsNaN(y))));
    }

    static Dense<float> Kernel<TLanes>(VptqCodes codes, Dense<float> input, ElementType kind, ParallelFor? parallel = null)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        using var memory = new Arena();
        VptqTensors tensors = VptqCase.Put(memory, codes, input, kind);
        VptqWeight? weight = tensors.Check(codes.Layout.Inputs, codes.Layout.Outputs, out string? refusal);
        Assert.Null(refusal);
        Assert.Equal(codes.Layout, weight!.Layout);
        TensorPointer output = memory.Empty([.. input.Dims[..^1], codes.Layout.Outputs], kind);
        VptqMatMulKernel.Run<TLanes>(weight, AccuracyLevel.Full, tensors, output.Data, parallel ?? AttentionRun.EveryIndex);
        return Arena.Read(output);
    }
}
