using OnnxEff.Ir;

namespace OnnxEff.Ops.Llm;

/// <summary>
/// Input slots of <c>llm.Attention</c>, the raised form of every attention: the same meaning and order as the inputs of
/// <c>onnxeff.BlockMaskedAttention</c>.
/// </summary>
public enum AttentionInput
{
    /// <summary>Queries [B, S, Hq·D], before rotation; with key and value left out: packed [B, S, (Hq + 2·Hkv)·D].</summary>
    Query,
    /// <summary>New keys [B, S, Hkv·D], before rotation.</summary>
    Key,
    /// <summary>New values [B, S, Hkv·D].</summary>
    Value,
    /// <summary>Cached keys [B, Hkv, P, D], rotated.</summary>
    PastKey,
    /// <summary>Cached values [B, Hkv, P, D].</summary>
    PastValue,
    /// <summary>Attention mask [B, T]: not 0 where a key may be seen.</summary>
    KeyMask,
    /// <summary>Keys of each row minus one, int32 [B].</summary>
    SeqlensK,
    /// <summary>T, int32 scalar.</summary>
    TotalSequenceLength,
    /// <summary>Positions [B, S] that index the rotary table.</summary>
    PositionIds,
    /// <summary>Cosines: table [M, R/2] or per token [B, S, R/2].</summary>
    Cos,
    /// <summary>Sines, shaped like the cosines.</summary>
    Sin,
    /// <summary>Additive bias that broadcasts to [B, Hq, S, T].</summary>
    Bias,
    /// <summary>A logit per head that takes part in the softmax's denominator only, [Hq].</summary>
    Sinks,
    /// <summary>ALiBi: the logit of key j gets slope · j, [Hq]; the softmax does not see where j is counted from.</summary>
    Slopes,
    /// <summary>Live tiles, from <c>onnxeff.BlockMaskPlan</c>: where those of each block of queries begin.</summary>
    PlanSplits,
    /// <summary>The tiles.</summary>
    PlanTiles,
    /// <summary>What queries see of partial tiles.</summary>
    PlanBits,
}

/// <summary>
/// A view of an <c>llm.Attention</c> node. Outputs: 0 [B, S, Hq·Dv], 1 present key, 2 present value, 3 the product of queries and
/// keys [B, Hq, S, T] at the stage that <see cref="ProductMode"/> names.
/// </summary>
public readonly record struct LlmAttention(Node Node)
{
    /// <summary>Domain of the raised vocabulary; no saved file holds it.</summary>
    public const string Domain = "llm";

    /// <summary>The operator's name.</summary>
    public const string OpType = "Attention";

    /// <summary>True for nodes that this view fits.</summary>
    public static bool Fits(Node node) => node.Is(OpType, Domain);

    /// <summary>The value in a slot, or null.</summary>
    public Value? this[AttentionInput slot] => Node.Input((int)slot);

    /// <summary>Hq.</summary>
    public int Heads => (int)Node.Int("num_heads");

    /// <summary>Hkv.</summary>
    public int KvHeads => (int)Node.Int("kv_num_heads");

    /// <summary>D.</summary>
    public int HeadSize => (int)Node.Int("head_size");

    /// <summary>Dv, the size of a value head.</summary>
    public int ValueHeadSize => (int)Node.Int("value_head_size", HeadSize);

    /// <summary>
    /// False if key and value are left out because past holds all keys and values, those of the queries' own tokens among
    /// them; query s of a row with L keys then stands at index L − S + s.
    /// </summary>
    public bool Appends => Node.Int("append", 1) != 0;

    /// <summary>Factor of the logits.</summary>
    public float Scale => Node.Float("scale");

    /// <summary>c of c·tanh(x/c), or 0.</summary>
    public float Softcap => Node.Float("softcap");

    /// <summary>True if a query sees no later key.</summary>
    public bool Causal => Node.Int("causal") != 0;

    /// <summary>Keys a query sees, its own included; −1 for all.</summary>
    public long Window => Node.Int("window", -1);

    /// <summary>Keys behind its own that a query sees; −1 for all. Causal is 0 of them.</summary>
    public long WindowRight => Node.Int("window_right", -1);

    /// <summary>C if a query sees keys of its own chunk of C only, counted from index 0; 0 for no chunks.</summary>
    public long Chunk => Node.Int("chunk");

    /// <summary>True if chunks are counted from the first key that the key mask shows instead.</summary>
    public bool ChunkFromFirstKey => Node.Int("chunk_from_first_key") != 0;

    /// <summary>True if all that the bias does is to hide keys: its numbers are 0 or at or below −1e4.</summary>
    public bool BiasHides => Node.Int("bias_hides") != 0;

    /// <summary>What output 3 holds, as in ONNX Attention: 0 the scaled product, 1 behind softcap, 2 behind masks, 3 the softmax.</summary>
    public long ProductMode => Node.Int("qk_matmul_output_mode");

    /// <summary>True if rotated pairs are neighbours, false if they are half a width apart.</summary>
    public bool RotaryInterleaved => Node.Int("rotary_interleaved") != 0;

    /// <summary>What the mask means and how that was established, in words.</summary>
    public string MaskFact => Node.Text("mask_fact");

    /// <summary>What the rotation is, in words; empty without one.</summary>
    public string RotaryFact => Node.Text("rotary_fact");

    /// <summary>Why a rotation stays in the graph in front of the node; empty if there is none or it is inside.</summary>
    public string RotaryLeft => Node.Text("rotary_left");
}
