namespace OnnxEff.CustomOps.Cpu;

/// <summary>Keys [From, To) of a row.</summary>
readonly record struct KeyRange(int From, int To)
{
    /// <summary>True when keys [from, to) lie inside.</summary>
    public bool Holds(int from, int to) => from >= From && to <= To;
}

/// <summary>What places alone show: to each query one range of keys, whose ends never move back from a query to the next.</summary>
/// <param name="Window">Keys up to its own that a query sees; -1 for all.</param>
/// <param name="Behind">Keys behind its own that a query sees; -1 for all.</param>
/// <param name="Chunk">Size of chunks; 0 for none.</param>
readonly record struct PlaceRule(long Window, long Behind, long Chunk)
{
    /// <summary>The keys of a query.</summary>
    /// <param name="query">Its place among the keys.</param>
    /// <param name="length">Keys there are.</param>
    /// <param name="origin">The key from which chunks are counted.</param>
    public KeyRange Of(long query, int length, long origin)
    {
        long from = 0, to = length;
        if (Window > 0) from = query - Window + 1;
        if (Behind >= 0) to = Math.Min(to, query + Behind + 1);
        if (Chunk > 0)
        {
            long inChunk = (query - origin) % Chunk;
            long first = query - (inChunk < 0 ? inChunk + Chunk : inChunk);
            (from, to) = (Math.Max(from, first), Math.Min(to, first + Chunk));
        }
        from = Math.Clamp(from, 0, length);
        return new((int)from, (int)Math.Max(from, to));
    }
}
