using System.Runtime.Intrinsics.X86;
using OnnxEff.CustomOps.Cpu;
using OnnxEff.Formats;
using OnnxEff.Ir;
using OnnxEff.Ops;
using Xunit;

namespace OnnxEff.Tests.CustomOps;

/// <summary>The kernel against the scalar reference, on guarded memory, as one processor runs it.</summary>
public abstract unsafe class VqMatMulTests
{
    private protected delegate void Run(VqWeight weight, int level, VqTensors tensors, void* output, ParallelFor? parallel);

    /// <summary>The kernel with one width of registers.</summary>
    private protected abstract Run Kernels { get; }

    // Lookups end at 16 tokens; panels have 12, 24 and 48.
    static readonly int[] Tokens = [0, 1, 2, 7, 16, 17, 30, 50];

    static readonly int[] Codebooks = [16, 64, 256];

    public static TheoryData<VqCase> Cases
    {
        get
        {
            var data = new TheoryData<VqCase>();
            foreach (int k in Codebooks)
                foreach (int v in (int[])[2, 4])
                {
                    // Rows around a tile of 64 and groups around a block of 64; columns around a tile of 128 and with a last vector that is not full.
                    foreach ((int n, int inputs) in ((int, int)[])[(1, 1), (63, 5), (64, 64 * v), (65, 64 * v + 1), (130, 127), (200, 65 * v - 1), (577, 129)])
                        foreach (int tokens in n < 200 && k < 256 ? Tokens : [1, 3, 20]) data.Add(new VqCase(n, inputs, v, k, tokens));
                    data.Add(new VqCase(70, 90, v, k, 1) { Bare = true });
                    data.Add(new VqCase(70, 90, v, k, 20) { Bare = true });
                }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Outputs_are_as_exact_as_their_level_says(VqCase c)
    {
        foreach (ElementType kind in (ElementType[])[ElementType.Float32, ElementType.Float16])
        {
            VqInputCodes codes = c.Codes(kind);
            Dense<float> expected = VqMatMul.Reference(codes, c.Input());
            double largest = expected.Data.Select(MathF.Abs).DefaultIfEmpty().Max();
            // Relative to the largest output: fp32 adds in another order; a half is rounded once.
            double rounding = largest * (kind == ElementType.Float32 ? 1e-5 : 1e-5 + 1 / 2048.0);
            foreach (int level in (int[])[0, 4])
            {
                double[] bound = c.Tokens <= 16 ? c.Bound(level) : new double[expected.Data.Length];
                float[] actual = Kernel(codes, level, c.Input(), kind).Data;
                Assert.Equal(expected.Data.Length, actual.Length);
                for (int i = 0; i < actual.Length; i++)
                    if (!(Math.Abs(expected.Data[i] - actual[i]) <= bound[i] + rounding)) Assert.Fail($"{kind}, level {level}: {actual[i]} at {i}, not {expected.Data[i]} ± {bound[i] + rounding}.");
            }
        }
    }

    [Theory]
    [InlineData(4, 16, 2e-2, 4e-3)]
    [InlineData(4, 64, 2e-2, 4e-3)]
    [InlineData(4, 256, 2e-2, 4e-3)]
    [InlineData(0, 16, 1e-4, 1e-5)]
    [InlineData(0, 64, 1e-4, 1e-5)]
    [InlineData(0, 256, 1e-4, 1e-5)]
    public void The_error_of_random_weights_is_what_the_declaration_says(int level, int centroids, double most, double least)
    {
        var c = new VqCase(192, 1024, 2, centroids, 4) { Bare = true };
        VqInputCodes codes = c.Codes(ElementType.Float32);
        float[] expected = VqMatMul.Reference(codes, c.Input()).Data, actual = Kernel(codes, level, c.Input(), ElementType.Float32).Data;
        double error = Math.Sqrt(expected.Zip(actual, (a, b) => (double)(a - b) * (a - b)).Sum() / expected.Sum(a => (double)a * a));
        Assert.InRange(error, least, most);
    }

    [Fact]
    public void More_tokens_than_a_pass_takes_agree_with_the_reference()
    {
        var c = new VqCase(24, 40, 4, 64, 2100);
        Dense<float> expected = VqMatMul.Reference(c.Codes(ElementType.Float32), c.Input());
        AttentionRun.Near(expected, Kernel(c.Codes(ElementType.Float32), 4, c.Input(), ElementType.Float32), 1e-5 * expected.Data.Max(MathF.Abs));
    }

    [Theory]
    [InlineData(1, 16)]
    [InlineData(5, 256)]
    [InlineData(60, 64)]
    public void The_number_of_threads_changes_nothing(int tokens, int centroids)
    {
        var c = new VqCase(1200, 530, 2, centroids, tokens);
        VqInputCodes codes = c.Codes(ElementType.Float32);
        Assert.Equal(Kernel(codes, 4, c.Input(), ElementType.Float32).Data,
            Kernel(codes, 4, c.Input(), ElementType.Float32, (count, body) => Parallel.For(0, count, body)).Data);
    }

    [Theory]
    [InlineData(float.NaN, 3, 0)]
    [InlineData(float.PositiveInfinity, 3, 4)]
    [InlineData(float.NaN, 30, 4)]
    public void What_is_not_finite_reaches_the_outputs_of_its_token_only(float value, int tokens, int level)
    {
        var c = new VqCase(70, 300, 2, 16, tokens);
        Dense<float> input = c.Input();
        input.Data[300 + 7] = value;
        float[] output = Kernel(c.Codes(ElementType.Float32), level, input, ElementType.Float32).Data;
        Assert.All(output.Chunk(70).Select((row, t) => (row, t)), r => Assert.All(r.row, y => Assert.Equal(r.t == 1, !float.IsFinite(y))));
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(1e-38f)]
    public void Activations_next_to_nothing_make_the_bias(float value)
    {
        var c = new VqCase(70, 300, 4, 64, 1);
        VqInputCodes codes = c.Codes(ElementType.Float32);
        var input = new Dense<float>([1, 1, 300], [.. Enumerable.Repeat(value, 300)]);
        AttentionRun.Near(new([1, 1, 70], codes.Bias!.As<float>().ToArray()), Kernel(codes, 4, input, ElementType.Float32), 1e-30);
    }

    Dense<float> Kernel(VqInputCodes codes, int level, Dense<float> input, ElementType kind, ParallelFor? parallel = null)
    {
        using var memory = new Arena();
        VqTensors tensors = VqCase.Put(memory, codes, input, kind);
        VqWeight? weight = tensors.Check(codes.Layout.Inputs, codes.Layout.Outputs, out string? refusal);
        Assert.Null(refusal);
        Assert.Equal(codes.Layout, weight!.Layout);
        TensorPointer output = memory.Empty([.. input.Dims[..^1], codes.Layout.Outputs], kind);
        Kernels(weight, level, tensors, output.Data, parallel ?? AttentionRun.EveryIndex);
        return Arena.Read(output);
    }
}

/// <summary>The baseline level.</summary>
public sealed unsafe class VqMatMulTests_128 : VqMatMulTests
{
    private protected override Run Kernels => VqMatMulKernel.Run<V128, Bytes128>;
}

/// <summary>AVX2.</summary>
public sealed unsafe class VqMatMulTests_256 : VqMatMulTests
{
    private protected override Run Kernels
    {
        get
        {
            Assert.SkipUnless(Avx2.IsSupported, "This processor has no AVX2.");
            return VqMatMulKernel.Run<V256, Bytes256>;
        }
    }
}

/// <summary>AVX-512 whose lookups see 16 bytes.</summary>
public sealed unsafe class VqMatMulTests_512 : VqMatMulTests
{
    private protected override Run Kernels
    {
        get
        {
            Assert.SkipUnless(Avx512BW.IsSupported, "This processor has no AVX-512.");
            return VqMatMulKernel.Run<V512, Bytes512<WithoutPermutes>>;
        }
    }
}

/// <summary>AVX-512 VBMI.</summary>
public sealed unsafe class VqMatMulTests_512_Vbmi : VqMatMulTests
{
    private protected override Run Kernels
    {
        get
        {
            Assert.SkipUnless(Avx512Vbmi.IsSupported, "This processor has no AVX-512 VBMI.");
            return VqMatMulKernel.Run<V512, Bytes512<WithPermutes>>;
        }
    }
}
