using System.Runtime.Intrinsics.X86;

namespace OnnxEff.CustomOps.Native;

/// <summary>Which level the processor and the operating system run.</summary>
static class Processor
{
    /// <summary>The best level of this machine.</summary>
    public static IsaLevel Best { get; } = Detect();

    static IsaLevel Detect()
    {
        if (!X86Base.IsSupported || MaxLeaf(0) < 0xD || MaxLeaf(unchecked((int)0x80000000)) < 0x80000001) return IsaLevel.Baseline;
        (_, _, int c1, _) = X86Base.CpuId(1, 0);
        (_, int b7, _, _) = X86Base.CpuId(7, 0);
        (_, _, int cExtended, _) = X86Base.CpuId(unchecked((int)0x80000001), 0);
        // FMA, MOVBE, POPCNT, OSXSAVE, AVX, F16C; BMI1, AVX2, BMI2; LZCNT.
        bool v3 = Has(c1, 12, 22, 23, 27, 28, 29) && Has(b7, 3, 5, 8) && Has(cExtended, 5) && Saves(2);
        // AVX-512 F, DQ, CD, BW, VL.
        bool v4 = v3 && Has(b7, 16, 17, 28, 30, 31) && Saves(5) && Saves(6) && Saves(7);
        return v4 ? IsaLevel.V4 : v3 ? IsaLevel.V3 : IsaLevel.Baseline;
    }

    static uint MaxLeaf(int group) => (uint)X86Base.CpuId(group, 0).Eax;

    static bool Has(int register, params ReadOnlySpan<int> bits)
    {
        foreach (int bit in bits)
            if ((register >> bit & 1) == 0) return false;
        return true;
    }

    // The area that the system enabled for saving registers must reach to the end of this component.
    static bool Saves(int component)
    {
        (_, int enabled, _, _) = X86Base.CpuId(0xD, 0);
        (int size, int offset, _, _) = X86Base.CpuId(0xD, component);
        return size > 0 && (uint)enabled >= (uint)offset + (uint)size;
    }
}
