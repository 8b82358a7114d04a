namespace OnnxEff.Ops;

/// <summary>A stage of the logits, in the numbering of ONNX Attention's qk_matmul_output_mode.</summary>
public enum ProductStage
{
    /// <summary>scale · q·k.</summary>
    Scaled = 0,
    /// <summary>Behind softcap.</summary>
    Capped = 1,
    /// <summary>Behind bias, slopes and masks, which leave -inf.</summary>
    Masked = 2,
    /// <summary>The weights of the values.</summary>
    Softmax = 3,
}

/// <summary>The attributes of <see cref="BlockMaskedAttention"/>, with the operator's defaults.</summary>
/// <param name="QueryHeads"><c>num_heads</c>: Hq.</param>
/// <param name="KvHeads"><c>kv_num_heads</c>: Hkv, a divisor of Hq.</param>
public sealed record AttentionAttributes(int QueryHeads, int KvHeads)
{
    /// <summary>Factor of q·k; 0 stands for 1/√D.</summary>
    public float Scale { get; init; }

    /// <summary>c in c·tanh(x/c), applied to the scaled logits; 0 for none.</summary>
    public float Softcap { get; init; }

    /// <summary>True when a query sees no key behind its own index.</summary>
    public bool Causal { get; init; } = true;

    /// <summary>How many keys up to its own a query sees, that one included; -1 for all.</summary>
    public int Window { get; init; } = -1;

    /// <summary>How many keys behind its own a query sees; -1 for all. <see cref="Causal"/> is 0 of them.</summary>
    public int WindowRight { get; init; } = -1;

    /// <summary>C when a query sees keys of its own chunk of C only; 0 for no chunks.</summary>
    public int Chunk { get; init; }

    /// <summary>True when chunks are counted from the first key that key_mask shows in the row, false from key 0.</summary>
    public bool ChunkFromFirstKey { get; init; }

    /// <summary>Dv, the size of a value head; 0 for that of the other heads.</summary>
    public int ValueHeadSize { get; init; }

    /// <summary>False when past holds all keys and values and nothing is written.</summary>
    public bool Append { get; init; } = true;

    /// <summary>What qk_matmul_output holds.</summary>
    public ProductStage ProductStage { get; init; }

    /// <summary>True when rotary pairs are neighbours (2i, 2i+1), false when they are halves (i, i+R/2).</summary>
    public bool RotaryInterleaved { get; init; }

    /// <summary>Keys behind its own that a query sees by both rules; -1 for all.</summary>
    public int Behind => Causal ? 0 : WindowRight;

    /// <summary>Why these attributes mean nothing, or null when they are fine.</summary>
    public string? Refusal() => this switch
    {
        { QueryHeads: < 1 } => $"num_heads must be positive; it is {QueryHeads}.",
        { KvHeads: < 1 } => $"kv_num_heads must be positive; it is {KvHeads}.",
        _ when QueryHeads % KvHeads != 0 => $"num_heads ({QueryHeads}) must be a multiple of kv_num_heads ({KvHeads}).",
        _ when PlaceLimits.Refusal(Window, WindowRight, Chunk) is { } refusal => refusal,
        { ValueHeadSize: < 0 } => $"value_head_size must be zero or positive; it is {ValueHeadSize}.",
        _ when !Enum.IsDefined(ProductStage) => $"qk_matmul_output_mode must be 0, 1, 2 or 3; it is {(int)ProductStage}.",
        _ when !float.IsFinite(Scale) => $"scale must be finite; it is {Scale}.",
        _ when !float.IsFinite(Softcap) || Softcap < 0 => $"softcap must be zero or positive; it is {Softcap}.",
        _ => null,
    };
}
