using System.Runtime.InteropServices;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>Blocks of native memory, kept between calls so that a decode step does not page-fault its scratch anew.</summary>
static unsafe class ScratchPool
{
    const nuint Header = 64; // Holds the size and keeps the block on a cache line.
    const nuint LargestKept = 16 << 20; // Larger blocks go back to the system at once.

    static readonly nint[] Kept = new nint[64];

    /// <summary>A block of at least that many bytes on a 64-byte boundary, with unspecified content.</summary>
    public static byte* Rent(nuint bytes)
    {
        for (int i = 0; i < Kept.Length; i++)
        {
            if (Volatile.Read(ref Kept[i]) == 0) continue;
            var block = (byte*)Interlocked.Exchange(ref Kept[i], 0);
            if (block == null) continue;
            if (*(nuint*)block >= bytes) return block + Header;
            NativeMemory.AlignedFree(block);
            break;
        }
        var fresh = (byte*)NativeMemory.AlignedAlloc(checked(bytes + Header), Header);
        *(nuint*)fresh = bytes;
        return fresh + Header;
    }

    /// <summary>Gives a rented block back.</summary>
    public static void Return(byte* rented)
    {
        byte* block = rented - Header;
        if (*(nuint*)block <= LargestKept)
            for (int i = 0; i < Kept.Length; i++)
                if (Volatile.Read(ref Kept[i]) == 0 && Interlocked.CompareExchange(ref Kept[i], (nint)block, 0) == 0) return;
        NativeMemory.AlignedFree(block);
    }
}

/// <summary>A rented block that goes back when disposed.</summary>
readonly unsafe ref struct Scratch(nuint bytes)
{
    public readonly byte* Bytes = ScratchPool.Rent(bytes);

    public void Dispose() => ScratchPool.Return(Bytes);
}
