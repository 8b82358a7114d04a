using OnnxEff.CustomOps.Cpu;

namespace OnnxEff.CustomOps.Native;

/// <summary>A VqMatMul node on the CPU.</summary>
sealed unsafe class VqMatMulNode(KernelInfo info) : StoredProductNode<VqTensors, VqWeight>(info, inputs: 10)
{
    public static NodeKernel Create(KernelInfo info) => new VqMatMulNode(info);

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

    protected override VqWeight? Check(VqTensors tensors, int columns, int outputs, out string? refusal) => tensors.Check(columns, outputs, out refusal);

    protected override void Run(VqWeight weight, VqTensors tensors, void* output, ParallelFor parallel) => VqMatMulKernel.Run<LevelLanes>(weight, AccuracyLevel, tensors, output, parallel);
}
