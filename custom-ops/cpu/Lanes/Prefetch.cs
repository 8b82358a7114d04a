using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>Asks for memory that is read soon. Any address is allowed.</summary>
static unsafe class Prefetch
{
    const int Line = 64;

    /// <summary>Brings bytes on their way into the first level of the caches.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Bytes(void* from, nint count)
    {
        if (!Sse.IsSupported) return;
        for (byte* at = (byte*)from, end = at + count; at < end; at += Line) ToFirst(at);
    }

    /// <summary>The same for at most four lines: where the count is a constant, no branch is left.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Lines(void* from, int count)
    {
        ToFirst(from);
        if (count > Line) ToFirst((byte*)from + Line);
        if (count > 2 * Line) ToFirst((byte*)from + 2 * Line);
        if (count > 3 * Line) ToFirst((byte*)from + 3 * Line);
    }

    /// <summary>Brings the line of a byte there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ToFirst(void* at)
    {
        if (Sse.IsSupported) Sse.Prefetch0(at);
    }
}
