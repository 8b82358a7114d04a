namespace OnnxEff.CustomOps.Cpu;

/// <summary>Bits of a code, known when the kernel is compiled.</summary>
interface ICodeBits
{
    /// <summary>4 or 8.</summary>
    static abstract int Count { get; }
}

/// <summary>Codes from 0 to 15.</summary>
readonly struct Bits4 : ICodeBits
{
    public static int Count => 4;
}

/// <summary>Codes from 0 to 255.</summary>
readonly struct Bits8 : ICodeBits
{
    public static int Count => 8;
}
