using OnnxEff.Formats;
using OnnxEff.Ir;
using OnnxEff.Ops;
using Xunit;
using OrtException = OnnxEff.Runtime.OrtException;

namespace OnnxEff.Tests.CustomOps;

/// <summary>The operator as a node of a session, from the published library; the layer's tensors are initializers, as in a file.</summary>
public class VptqMatMulNodeTests
{
    static readonly VptqLayout Outliers = new(130, 99, 12, 64) { OutlierColumns = 3, OutlierVectorLength = 4, OutlierCentroids = 37, ResidualCentroids = 32 };
    static readonly VptqCase Full = new(Outliers, 3) { Permuted = true, Scaled = true, Biased = true };

    public static TheoryData<VptqCase> Forms =>
    [
        Full, Full with { HalfSideData = true, Tokens = 1 }, Full with { Tokens = 60 }, new VptqCase(new(64, 96, 8, 256) { ResidualCentroids = 256, Groups = 2 }, 2),
    ];

    [Theory]
    [MemberData(nameof(Forms))]
    public void A_session_computes_what_the_reference_says(VptqCase c)
    {
        VptqCodes codes = c.Codes();
        Dense<float> expected = VptqMatMul.Reference(codes, c.Input());
        double largest = expected.Data.Max(MathF.Abs);
        AttentionRun.Near(expected, Run(codes, c.Input(), ElementType.Float32), largest * 1e-5);
        AttentionRun.Near(expected, Run(codes, c.Input(), ElementType.Float16), largest / 2048 + largest * 1e-5);
    }

    public static TheoryData<string, VptqCodes> Hostile()
    {
        VptqCodes good = Full.Codes();
        int[] outside = [.. good.Permutation!.As<int>()], negative = [.. outside];
        (outside[7], negative[98]) = (99, -1);
        ushort[] outlier = [.. good.OutlierCodes!.As<ushort>()];
        outlier[^1] = 37;
        return new()
        {
            { "permutation holds 99, which is no input of 99", good with { Permutation = Tensor.Vector<int>(outside) } },
            { "permutation holds -1", good with { Permutation = Tensor.Vector<int>(negative) } },
            { "permutation is [98], not [99]", good with { Permutation = Tensor.Vector<int>(outside.AsSpan(1)) } },
            { "outlier_codes holds 37, which is outside of a codebook of 37", good with { OutlierCodes = Tensor.Create<ushort>(good.OutlierCodes!.Dims, outlier) } },
            { "outlier_codes is [34, 3], not [33, 3]", good with { OutlierCodes = Tensor.Create<ushort>([34, 3], new ushort[102]) } },
            { "outlier_codes and outlier_codebook go together", good with { OutlierCodes = null } },
            { "codes is [1, 11, 1], not [1, 11, 33]", good with { Codes = Tensor.Create<int>([1, 11, 1], new int[11]) } },
            { "codebook is [64, 12], not [G, k, v]", good with { Codebook = good.Codebook.Reshape(64, 12) } },
            { "powers of two only", good with { Codebook = Tensor.Create<float>([1, 60, 12], new float[720]) } },
            { "vectors of length 17", good with { Codebook = Tensor.Create<float>([1, 64, 17], new float[64 * 17]), ResidualCodebook = null } },
            { "residual_codebook is [1, 32, 6], not [1, 32, 12]", good with { ResidualCodebook = Tensor.Create<float>([1, 32, 6], new float[192]) } },
            { "are not 7 groups of one size", good with { Codebook = Tensor.Create<float>([7, 64, 12], new float[7 * 64 * 12]), ResidualCodebook = null } },
            { "scale is [98], not [99]", good with { Scale = Tensor.Create<float>([98], new float[98]) } },
            { "offset is [1], not [99]", good with { Offset = Tensor.Create<float>([1], new float[1]) } },
            { "bias is [99], not [130]", good with { Bias = Tensor.Create<float>([99], new float[99]) } },
            { "input is [1, 3, 99], not [1, 3, 98]", good with { Layout = Outliers with { Inputs = 98 } } },
            { "codes is [1, 11, 33], not [1, 12, 33]", good with { Layout = Outliers with { Outputs = 133 } } },
            { "holds nothing", good with { Layout = Outliers with { Outputs = -5 } } },
            { "more than 2^31", good with { Layout = Outliers with { Outputs = int.MaxValue } } },
        };
    }

    [Theory]
    [MemberData(nameof(Hostile))]
    public void Hostile_inputs_become_an_error_status(string sentence, VptqCodes codes)
    {
        var error = Assert.Throws<OrtException>(() => Run(codes, Full.Input(), ElementType.Float32));
        Assert.Contains(sentence, error.Message);
    }

    static Dense<float> Run(VptqCodes codes, Dense<float> input, ElementType kind) =>
        LinearNode.Run(input, kind, VptqMatMul.Schema, VptqMatMul.Tensors(codes), ("K", codes.Layout.Inputs), ("N", codes.Layout.Outputs));
}
