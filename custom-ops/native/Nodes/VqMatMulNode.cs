using OnnxEff.CustomOps.Cpu;
using OnnxEff.Formats;
using OnnxEff.Ops;

namespace OnnxEff.CustomOps.Native;

/// <summary>A VqMatMul node on the CPU.</summary>
sealed unsafe class VqMatMulNode(int columnCount, int outputs, int accuracyLevel, WeightInputs weights) : NodeKernel
{
    const int Inputs = 10;

    VqInputLayout? _checked; // Of a weight that is the same in every call.

    public static NodeKernel Create(KernelInfo info)
    {
        int level = info.Int("accuracy_level");
        return VqMatMul.RefuseLevel(level) is { } refusal ? throw new OrtException(refusal) : new VqMatMulNode(info.Int("K"), info.Int("N"), level, new(info, Inputs));
    }

    public override void Compute(KernelContext context)
    {
        TensorPointer[] inputs = weights.Of(context, out bool areConstant);
        var tensors = new VqTensors
        {
            Input = inputs[0],
            Codes = inputs[1],
            Codebook = inputs[2],
            ColumnScale = inputs[3],
            RowScale = inputs[4],
            Permutation = inputs[5],
            OutlierRows = inputs[6],
            OutlierInputs = inputs[7],
            OutlierValues = inputs[8],
            Bias = inputs[9],
        };
        VqInputLayout? layout = tensors.Input.Dims is [.., var columns] && columns == columnCount ? _checked : null;
        if (layout is null)
        {
            layout = tensors.Check(columnCount, outputs, out string? refusal) ?? throw new OrtException(refusal!);
            if (areConstant) _checked = layout;
        }
        void* output = context.Output(0, [.. tensors.Input.Dims![..^1], outputs]);
        VqMatMulKernel.Run<LevelLanes>(layout, accuracyLevel, tensors, output, context.ParallelFor);
    }
}
