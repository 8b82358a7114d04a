using System.Numerics;
using System.Runtime.InteropServices;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>Blocks of native memory, kept between calls so that a decode step does not page-fault its scratch anew.</summary>
/// <remarks>Blocks have powers of two as sizes, and those of one size are kept together: a call finds what the call before it gave back, in whatever order.</remarks>
static unsafe class ScratchPool
{
    const nuint Header = 64; // Holds the size and keeps the block on a cache line.
    const int SmallestBits = 12, LargestBits = 24; // Larger blocks go back to the system at once.
    const int PerSize = 32;

    static readonly nint[] Kept = new nint[(LargestBits - SmallestBits + 1) * PerSize];

    /// <summary>A block of at least that many bytes on a 64-byte boundary, with unspecified content.</summary>
    public static byte* Rent(nuint bytes)
    {
        int bits = BitsOf(checked(bytes + Header));
        if (bits <= LargestBits)
        {
            bytes = ((nuint)1 << bits) - Header;
            foreach (ref nint kept in SlotsOf(bits))
                if (Volatile.Read(ref kept) != 0 && (byte*)Interlocked.Exchange(ref kept, 0) is var block && block != null) return block + Header;
        }
        var fresh = (byte*)NativeMemory.AlignedAlloc(bytes + Header, Header);
        *(nuint*)fresh = bytes;
        return fresh + Header;
    }

    /// <summary>Gives a rented block back.</summary>
    public static void Return(byte* rented)
    {
        byte* block = rented - Header;
        int bits = BitsOf(*(nuint*)block + Header);
        if (bits <= LargestBits)
            foreach (ref nint kept in SlotsOf(bits))
                if (Volatile.Read(ref kept) == 0 && Interlocked.CompareExchange(ref kept, (nint)block, 0) == 0) return;
        NativeMemory.AlignedFree(block);
    }

    // The least power of two that holds so many bytes.
    static int BitsOf(nuint bytes) => Math.Max(SmallestBits, BitOperations.Log2(bytes - 1) + 1);

    static Span<nint> SlotsOf(int bits) => Kept.AsSpan((bits - SmallestBits) * PerSize, PerSize);
}

/// <summary>A rented block that goes back when disposed.</summary>
readonly unsafe ref struct Scratch(nuint bytes)
{
    public readonly byte* Bytes = ScratchPool.Rent(bytes);

    public void Dispose() => ScratchPool.Return(Bytes);
}
