using OnnxEff.CustomOps.Cpu;
using OnnxEff.Formats;
using OnnxEff.Ops;

namespace OnnxEff.CustomOps.Native;

/// <summary>A VqMatMul node on the CPU.</summary>
sealed unsafe class VqMatMulNode(int inputs, int outputs, int accuracyLevel) : NodeKernel
{
    public static NodeKernel Create(KernelInfo info)
    {
        int level = info.Int("accuracy_level");
        return VqMatMul.RefuseLevel(level) is { } refusal ? throw new OrtException(refusal) : new VqMatMulNode(info.Int("K"), info.Int("N"), level);
    }

    public override void Compute(KernelContext context)
    {
        var tensors = new VqTensors
        {
            Input = context.Input(0),
            Codes = context.Input(1),
            Codebook = context.Input(2),
            ColumnScale = context.Input(3),
            RowScale = context.Input(4),
            Permutation = context.Input(5),
            OutlierRows = context.Input(6),
            OutlierInputs = context.Input(7),
            OutlierValues = context.Input(8),
            Bias = context.Input(9),
        };
        VqInputLayout layout = tensors.Check(inputs, outputs, out string? refusal) ?? throw new OrtException(refusal!);
        void* output = context.Output(0, [.. tensors.Input.Dims![..^1], outputs]);
        VqMatMulKernel.Run<LevelLanes>(layout, accuracyLevel, tensors, output, context.ParallelFor);
    }
}
