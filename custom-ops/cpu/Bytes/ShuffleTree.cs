using System.Runtime.CompilerServices;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>Lookup in long tables by one in each 16 bytes of them, and choices by the codes' upper bits.</summary>
static unsafe class ShuffleTree<TBytes> where TBytes : unmanaged, IShuffleLanes<TBytes>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Lookup64(byte* table, TBytes codes) => Of64(table, codes, TBytes.BitToTop(codes, 4), TBytes.BitToTop(codes, 5));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Lookup256(byte* table, TBytes codes)
    {
        TBytes low = TBytes.Low4(codes), bit4 = TBytes.BitToTop(codes, 4), bit5 = TBytes.BitToTop(codes, 5), bit6 = TBytes.BitToTop(codes, 6);
        TBytes lower = TBytes.Select(bit6, Of64(table, low, bit4, bit5), Of64(table + 64, low, bit4, bit5));
        TBytes upper = TBytes.Select(bit6, Of64(table + 128, low, bit4, bit5), Of64(table + 192, low, bit4, bit5));
        return TBytes.Select(codes, lower, upper);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static TBytes Of64(byte* table, TBytes low, TBytes bit4, TBytes bit5)
    {
        TBytes lower = TBytes.Select(bit4, TBytes.Shuffle(table, low), TBytes.Shuffle(table + 16, low));
        TBytes upper = TBytes.Select(bit4, TBytes.Shuffle(table + 32, low), TBytes.Shuffle(table + 48, low));
        return TBytes.Select(bit5, lower, upper);
    }
}
