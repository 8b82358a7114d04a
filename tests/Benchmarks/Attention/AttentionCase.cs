using OnnxEff.Ir;

namespace OnnxEff.Benchmarks.Attention;

/// <summary>What a call does with the KV cache.</summary>
enum CacheUse
{
    /// <summary>A first prompt: the cache is only written.</summary>
    Fresh,

    /// <summary>One buffer is past and present: the new rows are written into it.</summary>
    InPlace,

    /// <summary>Past and present are two buffers: the past is copied in front of the new rows.</summary>
    Concat,
}

/// <summary>One call of attention: a batch of one row, causal.</summary>
/// <param name="Name">How reports call it.</param>
/// <param name="Sequence">S, new tokens.</param>
/// <param name="Total">T, keys after the call.</param>
/// <param name="HeadSize">D, of keys and values.</param>
/// <param name="Cache">Where past and present lie.</param>
sealed record AttentionCase(string Name, int Sequence, int Total, int HeadSize, CacheUse Cache)
{
    public int QueryHeads { get; init; } = 32;

    public int KvHeads { get; init; } = 8;

    public ElementType Element { get; init; } = ElementType.Float32;

    public int Past => Total - Sequence;

    /// <summary>Pairs of a query and a key that it sees, per head.</summary>
    public long LivePairs => (long)Sequence * Past + (long)Sequence * (Sequence + 1) / 2;

    /// <summary>Multiplications and additions of the two products over live pairs.</summary>
    public double Flops => 4.0 * QueryHeads * HeadSize * LivePairs;

    /// <summary>Bytes of all keys and values.</summary>
    public double KvBytes => 2.0 * KvHeads * Total * HeadSize * Element.ByteLength(1);

    /// <summary>Floating-point operations per byte that has to move: keys, values, queries and outputs once.</summary>
    public double Intensity => Flops / (KvBytes + 2.0 * Sequence * QueryHeads * HeadSize * Element.ByteLength(1));

    /// <summary>The cases of a whole run.</summary>
    public static IReadOnlyList<AttentionCase> Full { get; } =
    [
        .. from d in (int[])[128, 64] from s in (int[])[512, 2048, 8192] select Prefill(s, d),
        .. from keys in (int[])[4096, 32768] from cache in (CacheUse[])[CacheUse.InPlace, CacheUse.Concat] select Decode(keys, cache),
        Decode(32768, CacheUse.InPlace, ElementType.Float16),
        Prefill(2048, 128, ElementType.BFloat16),
    ];

    /// <summary>As many kinds of cases, small.</summary>
    public static IReadOnlyList<AttentionCase> Quick { get; } =
        [Prefill(64, 128), Prefill(64, 64), Decode(256, CacheUse.InPlace), Decode(256, CacheUse.Concat), Decode(256, CacheUse.InPlace, ElementType.Float16)];

    static AttentionCase Prefill(int sequence, int headSize, ElementType element = ElementType.Float32) =>
        new($"prefill S={sequence} D={headSize}{Suffix(element)}", sequence, sequence, headSize, CacheUse.Fresh) { Element = element };

    static AttentionCase Decode(int keys, CacheUse cache, ElementType element = ElementType.Float32) =>
        new($"decode T={keys}{(cache == CacheUse.InPlace ? " in place" : " concat")}{Suffix(element)}", 1, keys, 128, cache) { Element = element };

    static string Suffix(ElementType element) => element switch
    {
        ElementType.Float16 => " fp16",
        ElementType.BFloat16 => " bf16",
        _ => "",
    };
}
