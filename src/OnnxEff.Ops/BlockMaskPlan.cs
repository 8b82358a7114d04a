using OnnxEff.Ir;

namespace OnnxEff.Ops;

/// <summary>
/// Which tiles of queries and keys an attention has to look at, from a rule or from any dense mask: made once for all layers, read by
/// <see cref="BlockMaskedAttention"/>. The idea is that of Binary Block Masking (arXiv 2409.15097).
/// </summary>
public static partial class BlockMaskPlan
{
    /// <summary>Keys of a tile: one 64-bit word for each query.</summary>
    public const int BlockK = 64;

    /// <summary>A number of a float mask that hides: exp(-1e4) is 0 in every float type.</summary>
    public const float Hides = -1e4f;

    /// <summary>The declaration.</summary>
    public static OperatorSchema Schema { get; } = new("BlockMaskPlan", Since: 1,
        "The tiles of block_q queries and 64 keys in which some query sees some key. The queries are the last S of T keys: query s stands " +
        "at i = T - S + s. It sees key j when key_mask, mask, document_ids and parents, as far as given, show it, and when its place does, " +
        "or j or i is global, or j lies in the prefix. By its place j is seen when j > i - window, j <= i + window_right (causal: j <= i), and i and " +
        "j lie in the same chunk. No memory of S x T is used for the rules.")
    {
        Types =
        [
            new("F", ElementType.Bool, ElementType.Float32, ElementType.Float16, ElementType.BFloat16),
            new("M", ElementType.Int64, ElementType.Int32, ElementType.Bool),
            new("I", ElementType.Int32),
            new("L", ElementType.Int64),
        ],
        Inputs =
        [
            new("extent", "L", "3", "B, S, T."),
            new("mask", "F", "B|1, H|1, S|1, T", "True, or a number above -1e4, where a key may be seen.", Optional: true),
            new("key_mask", "M", "B|1, T", "Nonzero where a key may be seen.", Optional: true),
            new("document_ids", "L", "B|1, T", "Of the document of each key; a query sees keys of its own document.", Optional: true),
            new("prefix_lengths", "L", "B", "Keys below are seen by every query, whatever its place.", Optional: true),
            new("parents", "L", "B|1, S", "Token that each new token follows, counted from the first new one, or -1 for the last key before it. " +
                "Parents come first. A query sees its ancestors, itself and all keys before the new ones.", Optional: true),
            new("global_keys", "M", "B|1, T", "Nonzero for tokens that see and are seen whatever the place.", Optional: true),
        ],
        Outputs =
        [
            new("splits", "I", "B|1, H|1, ceil(S/block_q)+1", "The tiles of block q are those from splits[b, h, q] to splits[b, h, q + 1]."),
            new("tiles", "I", "N, 2", "Number of the block of keys, and the row of bits, or -1 where all is seen. Of a block of queries the full ones come first."),
            new("bits", "L", "M, block_q", "Bit k of bits[m, r]: query r of the tile sees key k."),
        ],
        Attributes =
        [
            new("block_q", ElementType.Int64, 64, "Queries of a tile."),
            new("causal", ElementType.Int64, 0, "1 when a query sees no key behind its own index."),
            .. PlaceLimits.Attributes,
        ],
    };

    /// <summary>Inputs of the scalar reference; null where the node leaves one out.</summary>
    public sealed record Inputs(long Batch, long Sequence, long Total)
    {
        /// <summary><c>mask</c>, true as 1 and false as negative infinity.</summary>
        public Dense<float>? Mask { get; init; }

        /// <summary><c>key_mask</c></summary>
        public Dense<long>? KeyMask { get; init; }

        /// <summary><c>document_ids</c></summary>
        public Dense<long>? DocumentIds { get; init; }

        /// <summary><c>prefix_lengths</c></summary>
        public Dense<long>? PrefixLengths { get; init; }

        /// <summary><c>parents</c></summary>
        public Dense<long>? Parents { get; init; }

        /// <summary><c>global_keys</c></summary>
        public Dense<long>? GlobalKeys { get; init; }

        /// <summary>The sizes alone.</summary>
        public PlanShapes Shapes => new([Batch, Sequence, Total])
        {
            Mask = Mask?.Dims,
            KeyMask = KeyMask?.Dims,
            DocumentIds = DocumentIds?.Dims,
            PrefixLengths = PrefixLengths?.Dims,
            Parents = Parents?.Dims,
            GlobalKeys = GlobalKeys?.Dims,
        };
    }
}

/// <summary>The attributes of <see cref="BlockMaskPlan"/>, with the operator's defaults.</summary>
public sealed record PlanAttributes
{
    /// <summary>Queries of a tile.</summary>
    public int BlockQ { get; init; } = 64;

    /// <summary>True when a query sees no key behind its own index.</summary>
    public bool Causal { get; init; }

    /// <summary>How many keys up to its own a query sees, that one included; -1 for all.</summary>
    public int Window { get; init; } = -1;

    /// <summary>How many keys behind its own a query sees; -1 for all.</summary>
    public int WindowRight { get; init; } = -1;

    /// <summary>C when a query sees keys of its own chunk of C only; 0 for no chunks.</summary>
    public int Chunk { get; init; }

    /// <summary>Keys behind its own that a query sees by both rules; -1 for all.</summary>
    public int Behind => Causal ? 0 : WindowRight;

    /// <summary>Why these attributes mean nothing, or null when they are fine.</summary>
    public string? Refusal() => this switch
    {
        { BlockQ: < 1 or > 1024 } => $"block_q must be 1 to 1024; it is {BlockQ}.",
        _ when PlaceLimits.Refusal(Window, WindowRight, Chunk) is { } refusal => refusal,
        _ => null,
    };
}
