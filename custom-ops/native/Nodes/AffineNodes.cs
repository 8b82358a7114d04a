using OnnxEff.CustomOps.Cpu;
using OnnxEff.Formats;
using OnnxEff.Ir;
using OnnxEff.Ops;

namespace OnnxEff.CustomOps.Native;

/// <summary>An AffineMatMul node on the CPU.</summary>
sealed unsafe class AffineMatMulNode(KernelInfo info) : StoredProductNode<TensorPointer[], AffineBlockLayout>(info, inputs: 3)
{
    public static NodeKernel Create(KernelInfo info) => new AffineMatMulNode(info);

    protected override TensorPointer[] Named(TensorPointer[] inputs) => inputs;

    protected override AffineBlockLayout? Check(TensorPointer[] tensors, int columns, int outputs, out string? refusal) =>
        AffineMatMul.Layout(columns, outputs, tensors[0].Dims!, tensors[1].Dims!, tensors[2].Dims, out refusal);

    protected override void Run(AffineBlockLayout layout, TensorPointer[] tensors, void* output, ParallelFor parallel)
    {
        (TensorPointer input, TensorPointer weight, TensorPointer bias) = (tensors[0], tensors[1], tensors[2]);
        AffineMatMulKernel.Run<LevelLanes>(layout, AccuracyLevel, (float*)input.Data, (byte*)weight.Data, (float*)bias.Data, (float*)output, input.Rows, parallel);
    }
}

/// <summary>An AffineGather node on the CPU.</summary>
sealed unsafe class AffineGatherNode(int columns, int rows) : NodeKernel
{
    public static NodeKernel Create(KernelInfo info) => new AffineGatherNode(info.Int("K"), info.Int("N"));

    /// <summary>output as indices with K columns.</summary>
    public static void InferShapes(ShapeInferContext context)
    {
        if (context.Input(1) is (_, { } ids) && context.Int("K", 0) is > 0 and var k) context.Output(0, (int)ElementType.Float32, [.. ids, k]);
    }

    public override void Compute(KernelContext context)
    {
        TensorPointer table = context.Input(0), indices = context.Input(1);
        AffineBlockLayout layout = AffineGather.Layout(columns, rows, table.Dims!, out string? refusal) ?? throw new OrtException(refusal!);
        var output = (float*)context.Output(0, [.. indices.Dims!, columns]);
        if (AffineGatherKernel.Run(layout, indices, table, output, context.ParallelFor) is { } wrong) throw new OrtException(wrong);
    }
}
