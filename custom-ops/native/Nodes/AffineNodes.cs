using OnnxEff.CustomOps.Cpu;
using OnnxEff.Formats;
using OnnxEff.Ir;
using OnnxEff.Ops;

namespace OnnxEff.CustomOps.Native;

/// <summary>An AffineMatMul node on the CPU.</summary>
sealed unsafe class AffineMatMulNode(int inputs, int outputs) : NodeKernel
{
    public static NodeKernel Create(KernelInfo info) => new AffineMatMulNode(info.Int("K"), info.Int("N"));

    public override void Compute(KernelContext context)
    {
        TensorPointer input = context.Input(0), weight = context.Input(1), bias = context.Input(2);
        AffineBlockLayout layout = AffineMatMul.Layout(inputs, outputs, input.Dims!, weight.Dims!, bias.Dims, out string? refusal) ?? throw new OrtException(refusal!);
        int tokens = checked((int)input.Dims![..^1].Aggregate(1L, (a, b) => checked(a * b)));
        var output = (float*)context.Output(0, [.. input.Dims[..^1], outputs]);
        AffineMatMulKernel.Run<LevelLanes>(layout, (float*)input.Data, (byte*)weight.Data, (float*)bias.Data, output, tokens, context.ParallelFor);
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
