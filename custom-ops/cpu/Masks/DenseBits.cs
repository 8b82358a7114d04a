using System.Runtime.Intrinsics;
using OnnxEff.Ops;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>Up to 64 elements of a dense mask as bits: set where a key may be seen. Nothing behind the last element is read.</summary>
static unsafe class DenseBits
{
    // Of negative numbers the bit patterns rise as they fall: what is at or above hides. -1e4 is a half; of the bfloat16, -9984 is above it.
    public const ushort HalfThatHides = 0xF0E2, BFloatThatHides = 0xC61D;

    /// <summary>Bytes of truth values.</summary>
    public static ulong Of(byte* mask, int count)
    {
        ulong word = 0;
        int i = 0;
        for (; i + Vector256<byte>.Count <= count; i += Vector256<byte>.Count)
            word |= (ulong)(~Vector256.Equals(Vector256.Load(mask + i), Vector256<byte>.Zero)).ExtractMostSignificantBits() << i;
        for (; i < count; i++) word |= mask[i] != 0 ? 1UL << i : 0;
        return word;
    }

    /// <summary>Floats.</summary>
    public static ulong Of(float* mask, int count)
    {
        ulong word = 0;
        int i = 0;
        for (; i + Vector256<float>.Count <= count; i += Vector256<float>.Count)
            word |= (ulong)(~Vector256.LessThanOrEqual(Vector256.Load(mask + i), Vector256.Create(BlockMaskPlan.Hides))).ExtractMostSignificantBits() << i;
        for (; i < count; i++) word |= !(mask[i] <= BlockMaskPlan.Hides) ? 1UL << i : 0;
        return word;
    }

    /// <summary>Bit patterns of halves or bfloat16s, of which the given one and all above hide.</summary>
    public static ulong Of(ushort* mask, int count, ushort hides)
    {
        ulong word = 0;
        int i = 0;
        for (; i + Vector256<ushort>.Count <= count; i += Vector256<ushort>.Count)
            word |= (ulong)Vector256.LessThan(Vector256.Load(mask + i), Vector256.Create(hides)).ExtractMostSignificantBits() << i;
        for (; i < count; i++) word |= mask[i] < hides ? 1UL << i : 0;
        return word;
    }
}
