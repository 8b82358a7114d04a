using OnnxEff.CustomOps.Cpu;

namespace OnnxEff.CustomOps.Native;

/// <summary>A VptqMatMul node on the CPU.</summary>
sealed unsafe class VptqMatMulNode(KernelInfo info) : StoredProductNode<VptqTensors, VptqWeight>(info, inputs: 10)
{
    public static NodeKernel Create(KernelInfo info) => new VptqMatMulNode(info);

    protected override VptqTensors Named(TensorPointer[] inputs) => new()
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

    protected override VptqWeight? Check(VptqTensors tensors, int columns, int outputs, out string? refusal) => tensors.Check(columns, outputs, out refusal);

    protected override void Run(VptqWeight weight, VptqTensors tensors, void* output, ParallelFor parallel) => VptqMatMulKernel.Run<LevelLanes>(weight, AccuracyLevel, tensors, output, parallel);
}
