using OnnxEff.CustomOps.Cpu;
using OnnxEff.Formats;
using OnnxEff.Ir;
using OnnxEff.Ops;
using OnnxEff.Tests.Testing;

namespace OnnxEff.Tests.CustomOps;

/// <summary>A layer of drawn codes, and activations for it.</summary>
/// <param name="Outputs">N.</param>
/// <param name="Inputs">K.</param>
/// <param name="VectorLength">v.</param>
/// <param name="Centroids">k.</param>
/// <param name="Tokens">Rows of activations.</param>
public sealed record VqCase(int Outputs, int Inputs, int VectorLength, int Centroids, int Tokens)
{
    /// <summary>The layer has nothing but codes and a codebook.</summary>
    public bool Bare { get; init; }

    /// <summary>The drawn weight.</summary>
    public VqInputWeight Weight()
    {
        VqInputWeight drawn = VqInputs.Draw(Outputs, Inputs, VectorLength, Centroids, seed: Outputs + Inputs, outliers: Math.Max(1, Outputs * Inputs / 500));
        return Bare ? new(Outputs, Inputs, VectorLength, drawn.Codes, drawn.Codebook) : drawn;
    }

    /// <summary>The layer as the operator takes it.</summary>
    public VqInputCodes Codes(ElementType kind)
    {
        float[] bias = [.. Enumerable.Range(0, Outputs).Select(o => (float)(Half)MathF.Sin(o))];
        return VqInputCodes.Pack(Weight()) with
        {
            Bias = Bare ? null : kind == ElementType.Float32 ? Tensor.Vector<float>(bias) : Tensor.Vector<Half>(Array.ConvertAll(bias, b => (Half)b)),
        };
    }

    /// <summary>Activations that both types of activations hold.</summary>
    public Dense<float> Input()
    {
        var random = new Random(Tokens);
        return new([1, Tokens, Inputs], [.. Enumerable.Range(0, Tokens * Inputs).Select(_ => (float)(Half)(random.NextSingle() * 2 - 1))]);
    }

    /// <summary>
    /// What an output may be off: half a step of its block's table for each of its vectors, which words exceed for one of them but not for all, times the row's scale; then the rounding of fp32.
    /// </summary>
    public double[] Bound(int accuracyLevel)
    {
        const int groupsOfScale = 64;
        VqInputWeight weight = Weight();
        float[] x = Input().Data;
        var bound = new double[Tokens * Outputs];
        for (int t = 0; t < Tokens; t++)
        {
            double sum = 0;
            for (int block = 0; block < weight.Groups; block += groupsOfScale)
            {
                int end = Math.Min(weight.Groups, block + groupsOfScale);
                double largest = Enumerable.Range(block, end - block).Max(g => Enumerable.Range(0, Centroids).Max(c => Math.Abs(Product(t, g, c))));
                sum += (end - block) * largest * (accuracyLevel == 4 ? 1 / 254.0 : 1 / 64516.0);
            }
            for (int o = 0; o < Outputs; o++) bound[t * Outputs + o] = sum * Math.Abs((double)(weight.RowScale?[o] ?? Half.One));
        }
        return bound;

        double Product(int t, int g, int c)
        {
            double sum = 0;
            for (int i = 0; i < VectorLength && g * VectorLength + i < Inputs; i++)
            {
                int input = weight.Permutation?[g * VectorLength + i] ?? g * VectorLength + i;
                sum += x[t * Inputs + input] * (double)(weight.ColumnScale?[input] ?? Half.One) * (double)weight.Codebook[c * VectorLength + i];
            }
            return sum;
        }
    }

    /// <summary>The inputs of a call on guarded memory.</summary>
    internal static unsafe VqTensors Put(Arena memory, VqInputCodes codes, Dense<float> input, ElementType kind) => new()
    {
        Input = memory.Put(input, kind),
        Codes = memory.Copy(codes.Codes),
        Codebook = memory.Copy(codes.Codebook),
        ColumnScale = memory.Copy(codes.ColumnScale),
        RowScale = memory.Copy(codes.RowScale),
        Permutation = memory.Copy(codes.Permutation),
        OutlierRows = memory.Copy(codes.OutlierRows),
        OutlierInputs = memory.Copy(codes.OutlierInputs),
        OutlierValues = memory.Copy(codes.OutlierValues),
        Bias = memory.Copy(codes.Bias),
    };
}
