using OnnxEff.CustomOps.Cpu;
using OnnxEff.Formats;
using OnnxEff.Ops;

namespace OnnxEff.CustomOps.Native;

/// <summary>A VqMatMul node on the CPU.</summary>
sealed unsafe class VqMatMulNode(int columns, int outputs, int accuracyLevel, WeightInputs weights) : StoredProductNode<VqTensors, VqInputLayout>(columns, outputs, weights)
{
    const int Inputs = 10;

    public static NodeKernel Create(KernelInfo info)
    {
        int level = info.Int("accuracy_level");
        return VqMatMul.RefuseLevel(level) is { } refusal ? throw new OrtException(refusal) : new VqMatMulNode(info.Int("K"), info.Int("N"), level, new(info, Inputs));
    }

    protected override VqTensors Named(TensorPointer[] inputs) => new()
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

    protected override VqInputLayout? Check(VqTensors tensors, int columns, int outputs, out string? refusal) => tensors.Check(columns, outputs, out refusal);

    protected override void Run(VqInputLayout layout, VqTensors tensors, void* output, ParallelFor parallel) => VqMatMulKernel.Run<LevelLanes>(layout, accuracyLevel, tensors, output, parallel);
}
