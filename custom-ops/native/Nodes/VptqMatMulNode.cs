using OnnxEff.CustomOps.Cpu;
using OnnxEff.Formats;

namespace OnnxEff.CustomOps.Native;

/// <summary>A VptqMatMul node on the CPU.</summary>
sealed unsafe class VptqMatMulNode(int inputs, int outputs) : NodeKernel
{
    public static NodeKernel Create(KernelInfo info) => new VptqMatMulNode(info.Int("K"), info.Int("N"));

    public override void Compute(KernelContext context)
    {
        var tensors = new VptqTensors
        {
            Input = context.Input(0),
            Codes = context.Input(1),
            Codebook = context.Input(2),
            ResidualCodebook = context.Input(3),
            OutlierCodes = context.Input(4),
            OutlierCodebook = context.Input(5),
            Permutation = context.Input(6),
            Scale = context.Input(7),
            Offset = context.Input(8),
            Bias = context.Input(9),
        };
        VptqLayout layout = tensors.Check(inputs, outputs, out string? refusal) ?? throw new OrtException(refusal!);
        void* output = context.Output(0, [.. tensors.Input.Dims![..^1], outputs]);
        VptqMatMulKernel.Run<LevelLanes>(layout, tensors, output, context.ParallelFor);
    }
}
