using System.Runtime.InteropServices;
using OnnxEff.Ir;

namespace OnnxEff.Runtime;

/// <summary>Converts the payloads of number types to float and back.</summary>
public static class Floats
{
    /// <summary>Elements as floats.</summary>
    /// <param name="element">The type of the source.</param>
    /// <param name="source">The payload, little-endian.</param>
    /// <param name="destination">As many floats as the source has elements.</param>
    /// <exception cref="NotSupportedException">A type that is no plain number of whole bytes.</exception>
    public static void Widen(ElementType element, ReadOnlySpan<byte> source, Span<float> destination)
    {
        switch (element)
        {
            case ElementType.Float32: MemoryMarshal.Cast<byte, float>(source).CopyTo(destination); break;
            case ElementType.Float16: Convert<Half>(source, destination, v => (float)v); break;
            case ElementType.BFloat16: Convert<ushort>(source, destination, v => BitConverter.Int32BitsToSingle(v << 16)); break;
            case ElementType.Float64: Convert<double>(source, destination, v => (float)v); break;
            case ElementType.Int64: Convert<long>(source, destination, v => v); break;
            case ElementType.Int32: Convert<int>(source, destination, v => v); break;
            case ElementType.Int16: Convert<short>(source, destination, v => v); break;
            case ElementType.Int8: Convert<sbyte>(source, destination, v => v); break;
            case ElementType.UInt64: Convert<ulong>(source, destination, v => v); break;
            case ElementType.UInt32: Convert<uint>(source, destination, v => v); break;
            case ElementType.UInt16: Convert<ushort>(source, destination, v => v); break;
            case ElementType.UInt8 or ElementType.Bool: Convert<byte>(source, destination, v => v); break;
            default: throw new NotSupportedException($"Elements of {element} have no conversion to float.");
        }
    }

    /// <summary>Floats as elements, rounded to nearest even.</summary>
    /// <exception cref="NotSupportedException">A type that is no floating-point type.</exception>
    public static void Narrow(ElementType element, ReadOnlySpan<float> source, Span<byte> destination)
    {
        switch (element)
        {
            case ElementType.Float32:
                MemoryMarshal.AsBytes(source).CopyTo(destination);
                break;
            case ElementType.Float16:
                var halves = MemoryMarshal.Cast<byte, Half>(destination);
                for (var i = 0; i < source.Length; i++) halves[i] = (Half)source[i];
                break;
            case ElementType.BFloat16:
                var upper = MemoryMarshal.Cast<byte, ushort>(destination);
                for (var i = 0; i < source.Length; i++) upper[i] = ToBFloat16(source[i]);
                break;
            case ElementType.Float64:
                var doubles = MemoryMarshal.Cast<byte, double>(destination);
                for (var i = 0; i < source.Length; i++) doubles[i] = source[i];
                break;
            default: throw new NotSupportedException($"Floats have no conversion to elements of {element}.");
        }
    }

    static ushort ToBFloat16(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        if (float.IsNaN(value)) return (ushort)((bits >> 16) | 0x40); // stays a NaN when its low bits go
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    static void Convert<T>(ReadOnlySpan<byte> source, Span<float> destination, Func<T, float> convert) where T : unmanaged
    {
        var values = MemoryMarshal.Cast<byte, T>(source);
        for (var i = 0; i < values.Length; i++) destination[i] = convert(values[i]);
    }
}
