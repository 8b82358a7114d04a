using OnnxEff.Formats;

namespace OnnxEff.Ops;

public static partial class VptqMatMul
{
    /// <summary>Computes the operator from the dense weight, in double: the oracle of every kernel.</summary>
    /// <param name="codes">Every input but the activations.</param>
    /// <param name="input">x [..., K]</param>
    /// <returns>y [..., N]</returns>
    public static Dense<float> Reference(VptqCodes codes, Dense<float> input)
    {
        (int n, int k) = (codes.Layout.Outputs, codes.Layout.Inputs);
        float[] weight = codes.Decode();
        float[]? bias = codes.Bias is null ? null : VptqCodes.Floats(codes.Bias);
        var output = new float[input.Data.Length / k * n];
        for (int at = 0; at < output.Length; at++)
        {
            (int row, int o) = (at / n, at % n);
            double sum = bias?[o] ?? 0;
            for (int i = 0; i < k; i++) sum += (double)input.Data[row * k + i] * weight[(long)o * k + i];
            output[at] = (float)sum;
        }
        return new([.. input.Dims[..^1], n], output);
    }
}
