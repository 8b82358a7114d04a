using OnnxEff.Formats;
using OnnxEff.Ir;
using OnnxEff.Ops;
using Xunit;
using OrtException = OnnxEff.Runtime.OrtException;

namespace OnnxEff.Tests.CustomOps;

/// <summary>The operator as a node of a session, from the published library; the layer's tensors are initializers, as in a file.</summary>
public class VqMatMulNodeTests
{
    static readonly VqCase Full = new(130, 99, 2, 64, 3);

    public static TheoryData<VqCase> Forms
    {
        get
        {
            TheoryData<VqCase> forms = [Full, Full with { Tokens = 1, Centroids = 16, VectorLength = 4 }, Full with { Tokens = 60, Centroids = 256 }, Full with { Bare = true }];
            // 16 centroids, which the published library looks up in its own way: rows around tiles and pairs of them, groups around units of 4 and blocks of 64, one or four
            // tables at a time, tiles in a row and, of long rows, in turns.
            foreach ((int n, int k) in ((int, int)[])[(1, 1), (63, 7), (64, 128), (65, 130), (300, 249), (330, 2300)])
                foreach (int tokens in (int[])[1, 2, 3, 5, 16, 20])
                    forms.Add(new VqCase(n, k, 2, 16, tokens));
            forms.Add(new VqCase(200, 1030, 4, 16, 7));
            return forms;
        }
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void A_session_computes_what_the_reference_says(VqCase c)
    {
        foreach (ElementType kind in (ElementType[])[ElementType.Float32, ElementType.Float16])
            foreach (int level in (int[])[0, 4])
            {
                Dense<float> expected = VqMatMul.Reference(c.Codes(kind), c.Input());
                double largest = expected.Data.Max(MathF.Abs), bound = c.Tokens <= 16 ? c.Bound(level).Max() : level == AccuracyLevel.Bytes ? largest * 2e-2 : 0;
                AttentionRun.Near(expected, Run(c.Codes(kind), c.Input(), kind, level), bound + largest * (kind == ElementType.Float16 ? 1 / 2048.0 + 1e-5 : 1e-5));
            }
    }

    [Fact]
    public void Numbers_of_rows_may_be_int32()
    {
        VqInputCodes codes = Full.Codes(ElementType.Float32), wide = codes with
        {
            Permutation = Wide(codes.Permutation!),
            OutlierRows = Wide(codes.OutlierRows!),
            OutlierInputs = Wide(codes.OutlierInputs!),
        };
        Assert.Equal(Run(codes, Full.Input(), ElementType.Float32).Data, Run(wide, Full.Input(), ElementType.Float32).Data);

        static Tensor Wide(Tensor shorts) => Tensor.Vector<int>([.. shorts.As<ushort>().ToArray().Select(n => (int)n)]);
    }

    public static TheoryData<string, VqInputCodes> Hostile()
    {
        VqInputCodes good = Full.Codes(ElementType.Float32);
        int count = (int)good.OutlierRows!.Count;
        return new()
        {
            { "permutation holds 99, which is no input of 99", good with { Permutation = Changed(good.Permutation!, 7, 99) } },
            { "permutation is [98], not [99]", good with { Permutation = Tensor.Vector<ushort>(new ushort[98]) } },
            { "outlier_rows holds 130, which is no output of 130", good with { OutlierRows = Changed(good.OutlierRows, count - 1, 130) } },
            { "outlier_rows are not sorted", good with { OutlierRows = Changed(good.OutlierRows, 0, 129) } },
            { "outlier_inputs holds 65535, which is no input of 99", good with { OutlierInputs = Changed(good.OutlierInputs!, 3, 65535) } },
            { "outlier_rows, outlier_inputs and outlier_values go together", good with { OutlierValues = null } },
            { $"are [{count}], [{count}] and [{count - 1}], not [E] each", good with { OutlierValues = Tensor.Vector<Half>(new Half[count - 1]) } },
            { "codes is [3, 49, 48], not [3, 50, 48]", good with { Codes = Tensor.Create<byte>([3, 49, 48], new byte[3 * 49 * 48]) } },
            { "codes is [3, 50, 48], not [3, 13, 128]", good with { Codebook = Tensor.Create<Half>([16, 2], new Half[32]) } },
            { "codebook is [128], not [k, v]", good with { Codebook = good.Codebook.Reshape(128) } },
            { "16, 64 or 256 centroids, not 32", good with { Codebook = Tensor.Create<Half>([32, 2], new Half[64]) } },
            { "length 2 or 4, not 3", good with { Codebook = Tensor.Create<Half>([64, 3], new Half[192]) } },
            { "column_scale is [98], not [99]", good with { ColumnScale = Tensor.Vector<Half>(new Half[98]) } },
            { "row_scale is [1], not [130]", good with { RowScale = Tensor.Vector<Half>(new Half[1]) } },
            { "bias is [99], not [130]", good with { Bias = Tensor.Vector<float>(new float[99]) } },
            { "input is [1, 3, 99], not [1, 3, 98]", good with { Layout = good.Layout with { Inputs = 98 } } },
            { "codes is [3, 50, 48], not [4, 50, 48]", good with { Layout = good.Layout with { Outputs = 200 } } },
            { "holds nothing", good with { Layout = good.Layout with { Outputs = -5 } } },
            { "more than 2^31", good with { Layout = good.Layout with { Outputs = int.MaxValue } } },
        };

        static Tensor Changed(Tensor shorts, int at, ushort value)
        {
            ushort[] numbers = shorts.As<ushort>().ToArray();
            numbers[at] = value;
            return Tensor.Vector<ushort>(numbers);
        }
    }

    [Theory]
    [MemberData(nameof(Hostile))]
    public void Hostile_inputs_become_an_error_status(string sentence, VqInputCodes codes) =>
        Assert.Contains(sentence, Assert.Throws<OrtException>(() => Run(codes, Full.Input(), ElementType.Float32)).Message);

    [Fact]
    public void An_unknown_level_of_accuracy_becomes_an_error_status() =>
        Assert.Contains("accuracy_level is 0 or 4, not 3", Assert.Throws<OrtException>(() => Run(Full.Codes(ElementType.Float32), Full.Input(), ElementType.Float32, 3)).Message);

    static Dense<float> Run(VqInputCodes codes, Dense<float> input, ElementType kind, int level = 4) =>
        LinearNode.Run(input, kind, VqMatMul.Schema, VqMatMul.Tensors(codes), ("K", codes.Layout.Inputs), ("N", codes.Layout.Outputs), ("accuracy_level", level));
}
