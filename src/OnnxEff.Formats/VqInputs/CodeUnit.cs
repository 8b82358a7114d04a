namespace OnnxEff.Formats;

/// <summary>
/// The codes of one group of inputs of the 64 rows of a tile, one after the other in the order of <see cref="VqInputLayout.PlaceOf"/>, as bit planes that a kernel
/// takes apart with one shift a register:
/// 4 bits: byte i &lt; 32 is code(i) | code(i + 32) &lt;&lt; 4;
/// 6 bits: 32 such bytes of the low 4 bits, then byte i &lt; 16 with bits 4 and 5 of codes i, i + 16, i + 32 and i + 48, the first ones lowest;
/// 8 bits: byte i is code(i).
/// </summary>
public static class CodeUnit
{
    const int Places = VqInputLayout.TileRows, Half = Places / 2, Quarter = Places / 4;

    /// <summary>Reads the code at a place.</summary>
    /// <param name="unit">8 · bits bytes.</param>
    /// <param name="place">0 to 63.</param>
    /// <param name="bits">4, 6 or 8.</param>
    public static byte Read(ReadOnlySpan<byte> unit, int place, int bits)
    {
        if (bits == 8) return unit[place];
        int low = unit[place % Half] >> (place / Half * 4) & 15;
        return (byte)(bits == 4 ? low : low | (unit[Half + place % Quarter] >> (place / Quarter * 2) & 3) << 4);
    }

    /// <summary>Sets the code at a place where it is zero.</summary>
    /// <param name="unit">8 · bits bytes.</param>
    /// <param name="place">0 to 63.</param>
    /// <param name="bits">4, 6 or 8.</param>
    /// <param name="code">Less than 2 to the power of bits.</param>
    public static void Write(Span<byte> unit, int place, int bits, byte code)
    {
        if (bits == 8)
        {
            unit[place] = code;
            return;
        }
        unit[place % Half] |= (byte)((code & 15) << (place / Half * 4));
        if (bits == 6) unit[Half + place % Quarter] |= (byte)(code >> 4 << (place / Quarter * 2));
    }
}
