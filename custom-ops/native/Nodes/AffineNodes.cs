using OnnxEff.CustomOps.Cpu;
using OnnxEff.Formats;
using OnnxEff.Ir;
using OnnxEff.Ops;

namespace OnnxEff.CustomOps.Native;

/// <summary>An AffineMatMul node on the CPU.</summary>
sealed unsafe class AffineMatMulNode(int inputs, int outputs, WeightInputs weights) : NodeKernel
{
    const int Tensors = 3;

    AffineBlockLayout? _checked; // Of a weight that is the same in every call.

    public static NodeKernel Create(KernelInfo info) => new AffineMatMulNode(info.Int("K"), info.Int("N"), new(info, Tensors));

    public override void Compute(KernelContext context)
    {
        TensorPointer[] tensors = weights.Of(context, out bool areConstant);
        (TensorPointer input, TensorPointer weight, TensorPointer bias) = (tensors[0], tensors[1], tensors[2]);
        AffineBlockLayout? layout = input.Dims is [.., var columns] && columns == inputs ? _checked : null;
        if (layout is null)
        {
            layout = AffineMatMul.Layout(inputs, outputs, input.Dims!, weight.Dims!, bias.Dims, out string? refusal) ?? throw new OrtException(refusal!);
            if (areConstant) _checked = layout;
        }
        var output = (float*)context.Output(0, [.. input.Dims![..^1], outputs]);
        AffineMatMulKernel.Run<LevelLanes>(layout, (float*)input.Data, (byte*)weight.Data, (float*)bias.Data, output, input.Rows, context.ParallelFor);
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
