using OnnxEff.CustomOps.Cpu;
using OnnxEff.Ops;

namespace OnnxEff.CustomOps.Native;

/// <summary>A BlockMaskPlan node on the CPU.</summary>
sealed unsafe class PlanNode(PlanAttributes attributes) : NodeKernel
{
    public static NodeKernel Create(KernelInfo info)
    {
        var attributes = new PlanAttributes
        {
            BlockQ = info.Int("block_q"),
            Causal = info.Int("causal") != 0,
            Window = info.Int("window"),
            WindowRight = info.Int("window_right"),
            Chunk = info.Int("chunk"),
        };
        return attributes.Refusal() is { } refusal ? throw new OrtException(refusal) : new PlanNode(attributes);
    }

    public override void Compute(KernelContext context)
    {
        var tensors = new PlanTensors
        {
            Extent = context.Input(0),
            Mask = context.Input(1),
            KeyMask = context.Input(2),
            DocumentIds = context.Input(3),
            PrefixLengths = context.Input(4),
            Parents = context.Input(5),
            GlobalKeys = context.Input(6),
        };
        PlanGeometry g = tensors.Check(attributes, out string? refusal) ?? throw new OrtException(refusal!);
        PlanResult plan = BlockMaskPlanKernel.Run(attributes, g, tensors, context.ParallelFor);
        plan.Write((int*)context.Output(0, plan.SplitsDims), (int*)context.Output(1, plan.TilesDims), (long*)context.Output(2, plan.BitsDims));
    }
}
