using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>Memory that comes into the second cache piece by piece, beside work that waits for none.</summary>
/// <param name="from">The first byte.</param>
/// <param name="to">The byte behind the last.</param>
unsafe struct Ahead(byte* from, byte* to)
{
    const int Line = 64;

    /// <summary>Asks for so many lines more.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Next(int lines)
    {
        if (!Sse.IsSupported) return;
        for (byte* end = from + (nint)Math.Min(lines, (to - from + Line - 1) / Line) * Line; from < end; from += Line) Sse.Prefetch1(from);
    }
}
