using OnnxEff.CustomOps.Cpu;

namespace OnnxEff.CustomOps.Native;

/// <summary>
/// The inputs of a node behind its activations. Initializers are read once: asking ONNX Runtime for the sizes of all of them takes a short product as long as computing it.
/// </summary>
/// <param name="info">The node.</param>
/// <param name="count">Inputs, the activations counted.</param>
sealed class WeightInputs(KernelInfo info, int count)
{
    readonly TensorPointer[] _constants = [.. Enumerable.Range(0, count).Select(index => index == 0 ? default : info.Constant(index))];

    /// <summary>All inputs of a call.</summary>
    /// <param name="context">The call.</param>
    /// <param name="areConstant">True where all but the activations are the same in every call: what was checked once is checked.</param>
    public TensorPointer[] Of(KernelContext context, out bool areConstant)
    {
        var tensors = new TensorPointer[count];
        areConstant = true;
        for (int i = 0; i < count; i++)
        {
            tensors[i] = _constants[i].Dims is null ? context.Input(i) : _constants[i];
            areConstant &= i == 0 || _constants[i].Dims is not null || tensors[i].Dims is null; // A node that leaves one out leaves it out always.
        }
        return tensors;
    }
}
