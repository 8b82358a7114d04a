namespace OnnxEff.CustomOps.Cpu;

/// <summary>A register of integers, as words of 16 or of 32 bits: codes of one output in each 32 bits. Kernels are written once over it and compiled once per width.</summary>
/// <typeparam name="TSelf">The register.</typeparam>
/// <typeparam name="TLanes">The floats of its width.</typeparam>
unsafe interface IWordLanes<TSelf, TLanes>
    where TSelf : unmanaged, IWordLanes<TSelf, TLanes>
    where TLanes : unmanaged, ILanes<TLanes>
{
    /// <summary>Reads a register's bytes; no alignment is needed.</summary>
    static abstract TSelf Load(byte* source);

    /// <summary>Writes 32-bit words.</summary>
    static abstract void Store(TSelf value, int* target);

    /// <summary>The same 32 bits in every lane.</summary>
    static abstract TSelf Create(int value);

    /// <summary>Each 16-bit word moved down by so many bits, and of what is left the bits of the mask.</summary>
    static abstract TSelf Fields(TSelf words, int shift, TSelf mask);

    /// <summary>The bits of the mask.</summary>
    static abstract TSelf And(TSelf words, TSelf mask);

    /// <summary>Each 16-bit word without its lower bits, moved down by as many.</summary>
    static abstract TSelf Upper(TSelf words, int shift);

    /// <summary>Each 32-bit word, signed, divided by 2^shift and rounded down.</summary>
    static abstract TSelf Down(TSelf sums, int shift);

    /// <summary>sum + a·b of the lower words + a·b of the upper words, in each 32 bits; words are signed.</summary>
    static abstract TSelf AddProducts(TSelf sum, TSelf a, TSelf b);

    /// <summary>Sums of 32-bit words.</summary>
    static abstract TSelf Add(TSelf a, TSelf b);

    /// <summary>The lower or the upper word of each 32 bits as a float.</summary>
    static abstract TLanes Half(TSelf words, bool upper);

    /// <summary>32-bit words as floats.</summary>
    static abstract TLanes ToFloats(TSelf sums);

    /// <summary>The upper words of each 32 bits of a and of b, in an order that <see cref="StoreBytes"/> knows.</summary>
    static abstract TSelf UpperWords(TSelf a, TSelf b);

    /// <summary>The larger ones of signed 16-bit words.</summary>
    static abstract TSelf MaxWords(TSelf a, TSelf b);

    /// <summary>The smaller ones of signed 16-bit words.</summary>
    static abstract TSelf MinWords(TSelf a, TSelf b);

    /// <summary>128 + word · factor / 2¹⁵, rounded, for the words of two <see cref="UpperWords"/>; what is added to 128 is below it.</summary>
    static abstract void StoreBytes(TSelf low, TSelf high, TSelf factor, byte* target);
}
