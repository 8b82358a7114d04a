namespace OnnxEff.CustomOps.Cpu;

/// <summary>
/// A register of bytes of one width: codes of one group of inputs for as many rows, or what tables say of them. Kernels are written once over it and compiled
/// once per width.
/// </summary>
/// <remarks>A tile has 64 rows (see <see cref="Formats.CodeUnit"/>), so a register is one of 64 / <see cref="Count"/> parts of it.</remarks>
unsafe interface IByteLanes<TSelf> where TSelf : unmanaged, IByteLanes<TSelf>
{
    /// <summary>Bytes: 16, 32 or 64.</summary>
    static abstract int Count { get; }

    /// <summary>A part's codes of 6 bits; the bits above hold what <see cref="Lookup64"/> does not look at.</summary>
    static abstract TSelf Codes6(byte* unit, int part);

    /// <summary>A part's codes of 8 bits.</summary>
    static abstract TSelf Codes8(byte* unit, int part);

    /// <summary>The low 4 bits of each byte.</summary>
    static abstract TSelf Low4(TSelf value);

    /// <summary>The high 4 bits of each byte, moved down.</summary>
    static abstract TSelf High4(TSelf value);

    /// <summary>Each byte of index, below 16, replaced by that byte of the 16 of the table at the same place.</summary>
    static abstract TSelf Shuffle(TSelf table, TSelf index);

    /// <summary>table[code] of 64 bytes, by codes of 6 bits.</summary>
    static abstract TSelf Lookup64(byte* table, TSelf codes);

    /// <summary>table[code] of 256 bytes.</summary>
    static abstract TSelf Lookup256(byte* table, TSelf codes);

    /// <summary>Sums of 16-bit lanes.</summary>
    static abstract TSelf AddWords(TSelf a, TSelf b);

    /// <summary>The odd bytes, each in its 16-bit lane.</summary>
    static abstract TSelf OddBytes(TSelf value);

    /// <summary>Sums of even bytes, from sums of 16-bit lanes and from sums of odd bytes; both are below 2¹⁶.</summary>
    static abstract TSelf EvenSums(TSelf words, TSelf oddSums);

    /// <summary>Sums of the 16-bit lanes at the same place of each 16 bytes.</summary>
    static abstract Bytes128 Fold(TSelf words);

    /// <summary>target[i] += (word(i) - offset) · factor for the Count / 2 words, which differ from the offset by less than 2¹⁵.</summary>
    static abstract void AddTo(TSelf words, int offset, float factor, float* target);

    /// <summary>Reads bytes.</summary>
    static abstract TSelf Load(byte* source);

    /// <summary>Writes the bytes.</summary>
    static abstract void Store(TSelf value, byte* target);
}

/// <summary>What a processor that only looks up in 16 bytes at a time needs to look up in more.</summary>
unsafe interface IShuffleLanes<TSelf> : IByteLanes<TSelf> where TSelf : unmanaged, IShuffleLanes<TSelf>
{
    /// <summary>table[index] of 16 bytes for indices below 128, of which the low 4 bits count.</summary>
    static abstract TSelf Shuffle(byte* table, TSelf indices);

    /// <summary>Brings a bit of each byte, 4 to 7, to the byte's highest place; the other bits hold anything.</summary>
    static abstract TSelf BitToTop(TSelf value, int bit);

    /// <summary>Bytes of yes where the highest bit is set, else of no.</summary>
    static abstract TSelf Select(TSelf tops, TSelf no, TSelf yes);
}
