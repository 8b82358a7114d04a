namespace OnnxEff.Ops;

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

    /// <summary>How many keys a query sees, its own included; -1 for all.</summary>
    public int Window { get; init; } = -1;

    /// <summary>True when rotary pairs are neighbours (2i, 2i+1), false when they are halves (i, i+R/2).</summary>
    public bool RotaryInterleaved { get; init; }

    /// <summary>Why these attributes mean nothing, or null when they are fine.</summary>
    public string? Refusal() => this switch
    {
        { QueryHeads: < 1 } => $"num_heads must be positive; it is {QueryHeads}.",
        { KvHeads: < 1 } => $"kv_num_heads must be positive; it is {KvHeads}.",
        _ when QueryHeads % KvHeads != 0 => $"num_heads ({QueryHeads}) must be a multiple of kv_num_heads ({KvHeads}).",
        { Window: 0 or < -1 } => $"window must be -1 or positive; it is {Window}.",
        { Window: > 0, Causal: false } => "window needs causal = 1: it counts keys back from the query's own.",
        _ when !float.IsFinite(Scale) => $"scale must be finite; it is {Scale}.",
        _ when !float.IsFinite(Softcap) || Softcap < 0 => $"softcap must be zero or positive; it is {Softcap}.",
        _ => null,
    };
}
