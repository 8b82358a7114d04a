using OnnxEff.CustomOps.Cpu;
using OnnxEff.Formats;

namespace OnnxEff.CustomOps.Native;

/// <summary>A VptqMatMul node on the CPU.</summary>
sealed unsafe class VptqMatMulNode(int columnCount, int outputs, WeightInputs weights) : NodeKernel
{
    const int Inputs = 10;

    VptqLayout? _checked; // Of a weight that is the same in every call.

    public static NodeKernel Create(KernelInfo info) => new VptqMatMulNode(info.Int("K"), info.Int("N"), new(info, Inputs));

    public override void Compute(KernelContext context)
    {
        TensorPointer[] inputs = weights.Of(context, out bool areConstant);
        var tensors = new VptqTensors
        {
            Input = inputs[0],
            Codes = inputs[1],
            Codebook = inputs[2],
            ResidualCodebook = inputs[3],
            OutlierCodes = inputs[4],
            OutlierCodebook = inputs[5],
            Permutation = inputs[6],
            Scale = inputs[7],
            Offset = inputs[8],
            Bias = inputs[9],
        };
        VptqLayout? layout = tensors.Input.Dims is [.., var columns] && columns == columnCount ? _checked : null;
        if (layout is null)
        {
            layout = tensors.Check(columnCount, outputs, out string? refusal) ?? throw new OrtException(refusal!);
            if (areConstant) _checked = layout;
        }
        void* output = context.Output(0, [.. tensors.Input.Dims![..^1], outputs]);
        VptqMatMulKernel.Run<LevelLanes>(layout, tensors, output, context.ParallelFor);
    }
}
