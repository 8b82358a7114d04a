using OnnxEff.Formats;

namespace OnnxEff.Ops;

public static partial class VqMatMul
{
    /// <summary>Computes the operator from the dense weight, in double: the oracle of every kernel.</summary>
    /// <param name="codes">Every input but the activations.</param>
    /// <param name="input">x [..., K]</param>
    /// <returns>y [..., N]</returns>
    public static Dense<float> Reference(VqInputCodes codes, Dense<float> input) =>
        Dense.Product(input, codes.Unpack().Decode(), codes.Layout.Outputs, codes.Layout.Inputs, codes.Bias is null ? null : VptqCodes.Floats(codes.Bias));
}
