using OnnxEff.Formats;
using OnnxEff.Ir;
using OnnxEff.Ops;
using Xunit;

namespace OnnxEff.Tests.CustomOps;

/// <summary>The functions that files carry, run by ONNX Runtime without the library, against the reference; and beside the library, which goes first.</summary>
public class FunctionBodyTests
{
    static readonly VqCase Vq = new(130, 99, 2, 64, 3);
    static readonly VptqCase Vptq = new(new(130, 99, 12, 64) { OutlierColumns = 3, OutlierVectorLength = 4, OutlierCentroids = 37, ResidualCentroids = 32 }, 3)
    {
        Permuted = true,
        Scaled = true,
        Biased = true,
    };

    public static TheoryData<VqCase> VqForms => [Vq, Vq with { Centroids = 16, VectorLength = 4 }, Vq with { Centroids = 256 }, Vq with { Bare = true }];

    public static TheoryData<VptqCase> VptqForms =>
    [
        Vptq, Vptq with { HalfSideData = true }, new VptqCase(new(64, 96, 8, 256) { ResidualCentroids = 256, Groups = 2 }, 2), new VptqCase(new(30, 40, 6, 4096), 1),
        new VptqCase(new(30, 40, 8, 65536) { ResidualCentroids = 65536 }, 1),
    ];

    [Theory]
    [MemberData(nameof(VqForms))]
    public void Vectors_along_inputs(VqCase c)
    {
        foreach (ElementType kind in (ElementType[])[ElementType.Float32, ElementType.Float16])
        {
            VqInputCodes codes = c.Codes(kind);
            Near(VqMatMul.Reference(codes, c.Input()), kind,
                LinearNode.RunWithFunction(withLibrary: false, c.Input(), kind, VqMatMul.Schema, VqMatMul.Tensors(codes), ("K", codes.Layout.Inputs), ("N", codes.Layout.Outputs)));
        }
    }

    [Theory]
    [MemberData(nameof(VptqForms))]
    public void Vectors_along_outputs(VptqCase c)
    {
        VptqCodes codes = c.Codes();
        Near(VptqMatMul.Reference(codes, c.Input()), ElementType.Float32,
            LinearNode.RunWithFunction(withLibrary: false, c.Input(), ElementType.Float32, VptqMatMul.Schema, VptqMatMul.Tensors(codes), ("K", codes.Layout.Inputs), ("N", codes.Layout.Outputs)));
    }

    [Theory]
    [InlineData(4, true)]
    [InlineData(4, false)]
    [InlineData(8, true)]
    [InlineData(8, false)]
    public void Affine_blocks(int bits, bool hasMinima)
    {
        AffineBlocks weight = AffineMatMulTests.Draw(new(50, 90, bits, hasMinima));
        Dense<float> input = new([1, 3, 90], AffineMatMulTests.Input(3, 90).Data);
        Near(AffineMatMul.Reference(weight, null, input), ElementType.Float32,
            LinearNode.RunWithFunction(withLibrary: false, input, ElementType.Float32, AffineMatMul.Schema, [("weight", weight.Units)], ("K", 90), ("N", 50)));
    }

    [Fact]
    public void The_library_goes_first()
    {
        VqInputCodes codes = Vq.Codes(ElementType.Float32);
        (string, long)[] attributes = [("K", codes.Layout.Inputs), ("N", codes.Layout.Outputs), ("accuracy_level", 4)];
        Dense<float> alone = LinearNode.Run(Vq.Input(), ElementType.Float32, VqMatMul.Schema, VqMatMul.Tensors(codes), attributes);
        Dense<float> both = LinearNode.RunWithFunction(withLibrary: true, Vq.Input(), ElementType.Float32, VqMatMul.Schema, VqMatMul.Tensors(codes), attributes);
        Assert.Equal(alone.Data, both.Data); // Its tables are rounded to bytes; the function's product is not.
    }

    static void Near(Dense<float> expected, ElementType kind, Dense<float> actual)
    {
        double largest = expected.Data.Max(MathF.Abs);
        AttentionRun.Near(expected, actual, largest * (kind == ElementType.Float16 ? 1 / 2048.0 + 1e-5 : 1e-5));
    }
}
