namespace OnnxEff.CustomOps.Cpu;

/// <summary>How codes of one size lie in the units of a tile, and how registers of one width look them up.</summary>
unsafe interface ILookup<TBytes> where TBytes : unmanaged, IByteLanes<TBytes>
{
    /// <summary>k.</summary>
    static abstract int Centroids { get; }

    /// <summary>Groups of a unit.</summary>
    static abstract int UnitGroups { get; }

    /// <summary>Bytes of the codes of a unit.</summary>
    static abstract int UnitBytes { get; }

    /// <summary>Parts of a tile's rows: the sums of one part fit the registers.</summary>
    static abstract int Parts { get; }

    /// <summary>Adds what the tables of a unit's groups, k bytes each, say of the codes of a part.</summary>
    static abstract void Add(byte* unit, byte* tables, int part, ref PartSums<TBytes> sums);

    /// <summary>Writes the sums to memory, at most four registers.</summary>
    static abstract void Keep(PartSums<TBytes> sums, TBytes* kept);

    /// <summary>target[row] += scale · (sum of the row - 128 · groups) for a part of a tile's 64 rows.</summary>
    static abstract void Finish(TBytes* kept, int part, int groups, float scale, float* target);

    /// <summary>A group's 64 codes in the order of places; bits above them hold anything.</summary>
    static abstract void Spread(byte* unit, int group, byte* places);
}

/// <summary>Sums of bytes in 16-bit lanes, and apart those of the odd bytes only: those of the even ones follow. The upper ones are of codes that lie above others.</summary>
struct PartSums<TBytes> where TBytes : unmanaged, IByteLanes<TBytes>
{
    public TBytes Words, Odd, UpperWords, UpperOdd;
}
