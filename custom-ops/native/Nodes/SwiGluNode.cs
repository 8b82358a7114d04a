using OnnxEff.CustomOps.Cpu;
using OnnxEff.Ir;
using OnnxEff.Ops;

namespace OnnxEff.CustomOps.Native;

/// <summary>A SwiGlu node on the CPU.</summary>
sealed unsafe class SwiGluNode(float alpha) : NodeKernel
{
    public static NodeKernel Create(KernelInfo info) => new SwiGluNode(info.Float("alpha"));

    /// <summary>output as gate, or as half of it where it holds both.</summary>
    public static void InferShapes(ShapeInferContext context)
    {
        if (context.Input(0) is not (var kind, { } dims)) return;
        if (context.Input(1) is not null) context.Output(0, kind, dims);
        else if (dims is [.. var rows, var both]) context.Output(0, kind, [.. rows, both.Size < 0 ? SymbolicDim.Unknown : both.Size / 2]);
    }

    public override void Compute(KernelContext context)
    {
        TensorPointer gate = context.Input(0), up = context.Input(1);
        if (SwiGlu.Refusal(gate.Dims!, up.Dims) is { } refusal) throw new OrtException(refusal);
        bool isPacked = up.Dims is null;
        long[] dims = isPacked ? [.. gate.Dims![..^1], gate.Dims[^1] / 2] : gate.Dims!;
        (long, long) rows = isPacked ? (Tensor.CountOf(dims.AsSpan(0, dims.Length - 1)), dims[^1]) : (1, Tensor.CountOf(dims));
        SwiGluKernel.Run<LevelLanes>(gate.Kind, alpha, gate.Data, up.Data, context.Output(0, dims), rows, context.ParallelFor);
    }
}
