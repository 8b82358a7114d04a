namespace OnnxEff.CustomOps.Cpu;

/// <summary>The upper half of a float: 8 bits of exponent, 7 of mantissa.</summary>
/// <param name="Bits">Sign, exponent, mantissa.</param>
public readonly record struct BFloat16(ushort Bits)
{
    /// <summary>Rounds to nearest even.</summary>
    public static explicit operator BFloat16(float value)
    {
        uint x = BitConverter.SingleToUInt32Bits(value);
        return new((ushort)(float.IsNaN(value) ? (x >> 16) | 0x40 : (x + 0x7FFF + ((x >> 16) & 1)) >> 16));
    }

    /// <summary>The same number.</summary>
    public static explicit operator float(BFloat16 value) => BitConverter.UInt32BitsToSingle((uint)value.Bits << 16);
}
