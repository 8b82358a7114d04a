using OnnxEff.Ops;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>What the rules of a call show to each query; key_mask, bias and a plan hide keys inside of it.</summary>
sealed unsafe class VisibleKeys(AttentionAttributes attributes, AttentionGeometry geometry, byte* keyMask)
{
    readonly PlaceRule rule = new(attributes.Window, attributes.Behind, attributes.Chunk);
    readonly int[] starts = geometry.QueryStarts, lengths = geometry.TotalLengths;
    readonly int[]? chunkOrigins = attributes.ChunkFromFirstKey && keyMask != null ? FirstKeys(geometry, keyMask) : null;

    /// <summary>The keys of query s of row b.</summary>
    public KeyRange Of(int b, int s) => rule.Of((long)starts[b] + s, lengths[b], chunkOrigins?[b] ?? 0);

    /// <summary>The keys that some query of [first, last) sees.</summary>
    public KeyRange OfAny(int b, int first, int last) => new(Of(b, first).From, Of(b, last - 1).To);

    /// <summary>The keys that every query of [first, last) sees; empty if To is not above From.</summary>
    public KeyRange OfAll(int b, int first, int last) => new(Of(b, last - 1).From, Of(b, first).To);

    static int[] FirstKeys(AttentionGeometry g, byte* keyMask)
    {
        var first = new int[g.Batch];
        for (int b = 0; b < g.Batch; b++)
            first[b] = Math.Max(0, new ReadOnlySpan<byte>(keyMask + (long)b * g.Total, g.Total).IndexOfAnyExcept((byte)0));
        return first;
    }
}
