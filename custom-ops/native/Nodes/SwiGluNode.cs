using OnnxEff.CustomOps.Cpu;
using OnnxEff.Ir;
using OnnxEff.Ops;

namespace OnnxEff.CustomOps.Native;

/// <summary>A SwiGlu node on the CPU.</summary>
sealed unsafe class SwiGluNode(float alpha) : NodeKernel
{
    public static NodeKernel Create(KernelInfo info) => new SwiGluNode(info.Float("alpha"));

    /// <summary>output as gate.</summary>
    public static void InferShapes(ShapeInferContext context)
    {
        if (context.Input(0) is (var kind, { } dims)) context.Output(0, kind, dims);
    }

    public override void Compute(KernelContext context)
    {
        TensorPointer gate = context.Input(0), up = context.Input(1);
        if (SwiGlu.Refusal(gate.Dims!, up.Dims!) is { } refusal) throw new OrtException(refusal);
        SwiGluKernel.Run<LevelLanes>(gate.Kind, alpha, gate.Data, up.Data, context.Output(0, gate.Dims!), Tensor.CountOf(gate.Dims), context.ParallelFor);
    }
}
