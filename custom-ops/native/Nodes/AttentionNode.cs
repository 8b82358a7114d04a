using OnnxEff.CustomOps.Cpu;
using OnnxEff.Ops;

namespace OnnxEff.CustomOps.Native;

/// <summary>A BlockMaskedAttention node on the CPU.</summary>
sealed unsafe class AttentionNode(AttentionAttributes attributes) : NodeKernel
{
    public static NodeKernel Create(KernelInfo info)
    {
        var attributes = new AttentionAttributes(info.Int("num_heads"), info.Int("kv_num_heads"))
        {
            Scale = info.Float("scale"),
            Softcap = info.Float("softcap"),
            Causal = info.Int("causal") != 0,
            Window = info.Int("window"),
            RotaryInterleaved = info.Int("rotary_interleaved") != 0,
        };
        return attributes.Refusal() is { } refusal ? throw new OrtException(refusal) : new AttentionNode(attributes);
    }

    /// <summary>output as query with Hq·D columns; present with its number of rows open.</summary>
    public static void InferShapes(ShapeInferContext context)
    {
        if (context.Input(0) is not (var kind, [var batch, var sequence, var width])) return;
        long hq = context.Int("num_heads", 0), hkv = context.Int("kv_num_heads", 0);
        if (hq <= 0 || hkv <= 0 || width.Size <= 0) return;
        bool packed = context.Input(1) is null && context.Input(2) is null;
        long headSize = width.Size / (packed ? hq + 2 * hkv : hq);
        context.Output(0, kind, batch, sequence, hq * headSize);
        context.Output(1, kind, batch, hkv, SymbolicDim.Unknown, headSize);
        context.Output(2, kind, batch, hkv, SymbolicDim.Unknown, headSize);
    }

    public override void Compute(KernelContext context)
    {
        var tensors = new AttentionTensors
        {
            Query = context.Input(0),
            Key = context.Input(1),
            Value = context.Input(2),
            PastKey = context.Input(3),
            PastValue = context.Input(4),
            KeyMask = context.Input(5),
            SeqlensK = context.Input(6),
            TotalSequenceLength = context.Input(7),
            PositionIds = context.Input(8),
            Cos = context.Input(9),
            Sin = context.Input(10),
            Bias = context.Input(11),
            Sinks = context.Input(12),
        };
        AttentionGeometry g = tensors.Check(attributes, out string? refusal) ?? throw new OrtException(refusal!);
        long[] cache = [g.Batch, g.KvHeads, g.PresentRows, g.HeadSize];
        var results = new AttentionResults(
            context.Output(0, g.Batch, g.Sequence, (long)g.QueryHeads * g.HeadSize),
            context.Output(1, cache),
            context.Output(2, cache));
        BlockMaskedAttentionKernel.Run<LevelLanes>(attributes, g, tensors, results, context.ParallelFor);
    }
}
