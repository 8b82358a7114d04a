using System.Runtime.CompilerServices;
using OnnxEff.Formats;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>The sizes of codes in a row.</summary>
/// <param name="Bits">n.</param>
/// <param name="MainBits">Low bits that are the main index.</param>
/// <param name="Words">32-bit words of a row.</param>
readonly record struct CodeWidth(int Bits, int MainBits, int Words)
{
    /// <summary>The low n bits.</summary>
    public uint Mask { get; } = (uint)((1ul << Bits) - 1);

    /// <summary>The bits of the main index.</summary>
    public uint MainMask { get; } = (uint)((1ul << MainBits) - 1);
}

/// <summary>How a code is taken from a row of bits. Kernels are compiled once per reader.</summary>
unsafe interface ICodeReader
{
    /// <summary>The main index of a column.</summary>
    static abstract uint Main(byte* row, nint column, CodeWidth width);

    /// <summary>The residual index of a column.</summary>
    static abstract uint Residual(byte* row, nint column, CodeWidth width);
}

/// <summary>Codes of 8 bits.</summary>
readonly unsafe struct ByteCodes : ICodeReader
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Main(byte* row, nint column, CodeWidth width) => row[column] & width.MainMask;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Residual(byte* row, nint column, CodeWidth width) => (uint)row[column] >> width.MainBits;
}

/// <summary>Codes of 16 bits, 8 for each index.</summary>
readonly unsafe struct BytePairs : ICodeReader
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Main(byte* row, nint column, CodeWidth width) => row[2 * column];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Residual(byte* row, nint column, CodeWidth width) => row[2 * column + 1];
}

/// <summary>Codes of 16 bits.</summary>
readonly unsafe struct ShortCodes : ICodeReader
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Main(byte* row, nint column, CodeWidth width) => ((ushort*)row)[column] & width.MainMask;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Residual(byte* row, nint column, CodeWidth width) => (uint)((ushort*)row)[column] >> width.MainBits;
}

/// <summary>Codes of any size, from the 8 bytes that begin with a code's first bit: those must lie in the row.</summary>
readonly unsafe struct PackedCodes : ICodeReader
{
    /// <summary>Columns from 0 that may be read.</summary>
    public static int Columns(CodeWidth width) => width.Words < 2 ? 0 : (int)((((long)width.Words * 4 - 8) * 8 + 7) / width.Bits) + 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Main(byte* row, nint column, CodeWidth width) => (uint)Bits(row, column, width) & width.MainMask;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Residual(byte* row, nint column, CodeWidth width) => ((uint)Bits(row, column, width) & width.Mask) >> width.MainBits;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static ulong Bits(byte* row, nint column, CodeWidth width)
    {
        nint bit = column * width.Bits;
        return Unsafe.ReadUnaligned<ulong>(row + (bit >> 3)) >> (int)(bit & 7);
    }
}

/// <summary>Codes of any size at the end of a row.</summary>
readonly unsafe struct LastCodes : ICodeReader
{
    public static uint Main(byte* row, nint column, CodeWidth width) => Code(row, column, width) & width.MainMask;

    public static uint Residual(byte* row, nint column, CodeWidth width) => Code(row, column, width) >> width.MainBits;

    static uint Code(byte* row, nint column, CodeWidth width) => PackedIndices.Read(new(row, width.Words), (int)column, width.Bits);
}

/// <summary>Whether a code holds one index or two.</summary>
interface IStages
{
    /// <summary>True where a second centroid is added.</summary>
    static abstract bool HasResidual { get; }
}

/// <summary>A main index alone.</summary>
readonly struct OneStage : IStages
{
    public static bool HasResidual => false;
}

/// <summary>A main index and a residual one above it.</summary>
readonly struct TwoStages : IStages
{
    public static bool HasResidual => true;
}
