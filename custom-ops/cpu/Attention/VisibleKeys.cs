using OnnxEff.Ops;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>Keys [From, To) of a row.</summary>
readonly record struct KeyRange(int From, int To)
{
    /// <summary>True when keys [from, to) lie inside.</summary>
    public bool Holds(int from, int to) => from >= From && to <= To;
}

/// <summary>
/// What the rules of a call show: to each query one range of keys, whose ends never move back from a query to the next.
/// key_mask and bias hide keys inside of it.
/// </summary>
sealed unsafe class VisibleKeys(AttentionAttributes attributes, AttentionGeometry geometry, byte* keyMask)
{
    readonly long window = attributes.Window, behind = attributes.Behind, chunk = attributes.Chunk;
    readonly int[] starts = geometry.QueryStarts, lengths = geometry.TotalLengths;
    readonly int[]? chunkOrigins = attributes.ChunkFromFirstKey && keyMask != null ? FirstKeys(geometry, keyMask) : null;

    /// <summary>The keys of query s of row b.</summary>
    public KeyRange Of(int b, int s)
    {
        long query = (long)starts[b] + s, from = 0, to = lengths[b];
        if (window > 0) from = query - window + 1;
        if (behind >= 0) to = Math.Min(to, query + behind + 1);
        if (chunk > 0)
        {
            long inChunk = (query - (chunkOrigins?[b] ?? 0)) % chunk;
            long first = query - (inChunk < 0 ? inChunk + chunk : inChunk);
            (from, to) = (Math.Max(from, first), Math.Min(to, first + chunk));
        }
        from = Math.Clamp(from, 0, lengths[b]);
        return new((int)from, (int)Math.Max(from, to));
    }

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
