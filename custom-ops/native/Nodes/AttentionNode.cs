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
            WindowRight = info.Int("window_right"),
            Chunk = info.Int("chunk"),
            ChunkFromFirstKey = info.Int("chunk_from_first_key") != 0,
            ValueHeadSize = info.Int("value_head_size"),
            Append = info.Int("append") != 0,
            ProductStage = (ProductStage)info.Int("qk_matmul_output_mode"),
            RotaryInterleaved = info.Int("rotary_interleaved") != 0,
        };
        return attributes.Refusal() is { } refusal ? throw new OrtException(refusal) : new AttentionNode(attributes);
    }

    /// <summary>output as query with Hq·Dv columns; present with its number of rows open.</summary>
    public static void InferShapes(ShapeInferContext context)
    {
        if (context.Input(0) is not (var kind, [var batch, var sequence, var width])) return;
        long hq = context.Int("num_heads", 0), hkv = context.Int("kv_num_heads", 0);
        if (hq <= 0 || hkv <= 0 || width.Size <= 0) return;
        bool packed = context.Input(1) is null && context.Input(2) is null && context.Int("append", 1) != 0;
        long dv = context.Int("value_head_size", 0);
        long d = !packed ? width.Size / hq : dv > 0 ? (width.Size - hkv * dv) / (hq + hkv) : width.Size / (hq + 2 * hkv);
        if (dv == 0) dv = d;
        context.Output(0, kind, batch, sequence, hq * dv);
        context.Output(1, kind, batch, hkv, SymbolicDim.Unknown, d);
        context.Output(2, kind, batch, hkv, SymbolicDim.Unknown, dv);
        context.Output(3, kind, batch, hq, sequence, SymbolicDim.Unknown);
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
            Slopes = context.Input(13),
            PlanSplits = context.Input(14),
            PlanTiles = context.Input(15),
            PlanBits = context.Input(16),
        };
        AttentionGeometry g = tensors.Check(attributes, out string? refusal) ?? throw new OrtException(refusal!);
        void* presentKey = context.Output(1, g.Batch, g.KvHeads, g.PresentRows, g.HeadSize);
        void* presentValue = context.Output(2, g.Batch, g.KvHeads, g.PresentRows, g.ValueHeadSize);
        if (!g.Append && (presentKey != null || presentValue != null))
            throw new OrtException("append = 0 writes no cache: present_key and present_value must be left out.");
        var results = new AttentionResults(
            context.Output(0, g.Batch, g.Sequence, (long)g.QueryHeads * g.ValueHeadSize),
            presentKey,
            presentValue,
            context.Output(3, g.Batch, g.QueryHeads, g.Sequence, g.Total));
        BlockMaskedAttentionKernel.Run<LevelLanes>(attributes, g, tensors, results, context.ParallelFor);
    }
}
