namespace OnnxEff.Formats;

/// <summary>
/// The codes of one group of inputs of the 64 rows of a tile, or of four groups with 4 bits, each in the order of <see cref="VqInputLayout.PlaceOf"/>, as bit planes
/// that a kernel takes apart with one shift a register:
/// 4 bits: byte 64·h + 16·g + i, for i &lt; 16, is code(g, 32·h + i) | code(g, 32·h + 16 + i) &lt;&lt; 4: the tables of the four groups lie in a register in the same order;
/// 6 bits: byte i &lt; 32 has the low 4 bits of code(i) and above them those of code(i + 32), then byte i &lt; 16 bits 4 and 5 of codes i, i + 16, i + 32 and i + 48, the first ones lowest;
/// 8 bits: byte i is code(i).
/// </summary>
public static class CodeUnit
{
    const int Places = VqInputLayout.TileRows, Half = Places / 2, Quarter = Places / 4;

    /// <summary>Reads the code at a place.</summary>
    /// <param name="unit">All bytes of the unit.</param>
    /// <param name="group">Which of its groups: 0 to 3 with 4 bits, else 0.</param>
    /// <param name="place">0 to 63.</param>
    /// <param name="bits">4, 6 or 8.</param>
    public static byte Read(ReadOnlySpan<byte> unit, int group, int place, int bits)
    {
        (int at, int shift) = LowBits(group, place, bits);
        if (bits == 8) return unit[at];
        int low = unit[at] >> shift & 15;
        return (byte)(bits == 4 ? low : low | (unit[Half + place % Quarter] >> (place / Quarter * 2) & 3) << 4);
    }

    /// <summary>Sets the code at a place where it is zero.</summary>
    /// <param name="unit">All bytes of the unit.</param>
    /// <param name="group">Which of its groups: 0 to 3 with 4 bits, else 0.</param>
    /// <param name="place">0 to 63.</param>
    /// <param name="bits">4, 6 or 8.</param>
    /// <param name="code">Less than 2 to the power of bits.</param>
    public static void Write(Span<byte> unit, int group, int place, int bits, byte code)
    {
        (int at, int shift) = LowBits(group, place, bits);
        unit[at] |= (byte)((bits == 8 ? code : code & 15) << shift);
        if (bits == 6) unit[Half + place % Quarter] |= (byte)(code >> 4 << (place / Quarter * 2));
    }

    static (int At, int Shift) LowBits(int group, int place, int bits) => bits switch
    {
        4 => (place / Half * Places + group * Quarter + place % Quarter, place / Quarter % 2 * 4),
        6 => (place % Half, place / Half * 4),
        _ => (place, 0),
    };
}
