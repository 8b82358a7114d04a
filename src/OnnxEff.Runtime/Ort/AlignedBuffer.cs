using System.Runtime.InteropServices;

namespace OnnxEff.Runtime;

/// <summary>Zeroed native memory aligned to 64 bytes: a cache line, and the widest vector register.</summary>
sealed unsafe class AlignedBuffer : SafeHandle
{
    const int Alignment = 64;

    /// <summary>Allocates at least one byte.</summary>
    /// <exception cref="OutOfMemoryException">The system has no such block.</exception>
    public AlignedBuffer(long length) : base(0, ownsHandle: true)
    {
        // AllocZeroed instead of an aligned allocation: the system hands out large blocks as untouched zero pages, so a
        // cache with room for a long context costs memory only as it fills.
        var block = (nint)NativeMemory.AllocZeroed(checked((nuint)Math.Max(1, length) + Alignment));
        SetHandle(block);
        Address = (byte*)((block + Alignment - 1) & -Alignment);
    }

    /// <summary>The first byte.</summary>
    public byte* Address { get; }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        NativeMemory.Free((void*)handle);
        return true;
    }
}
