using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>16 bytes: SSE2, or any processor with vectors of 16 bytes.</summary>
readonly unsafe struct Words128(Vector128<short> v) : IWordLanes<Words128, V128>
{
    readonly Vector128<short> V = v;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words128 Load(byte* source) => new(Vector128.Load((short*)source));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Words128 value, int* target) => value.V.AsInt32().Store(target);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words128 Create(int value) => new(Vector128.Create(value).AsInt16());

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words128 Fields(Words128 words, int shift, Words128 mask) => new((words.V.AsUInt16() >> shift).AsInt16() & mask.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words128 And(Words128 words, Words128 mask) => new(words.V & mask.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words128 Upper(Words128 words, int shift) => new((words.V.AsUInt16() >> shift).AsInt16());

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words128 Down(Words128 sums, int shift) => new((sums.V.AsInt32() >> shift).AsInt16());

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words128 AddProducts(Words128 sum, Words128 a, Words128 b) => new((sum.V.AsInt32() + (Sse2.IsSupported ? Sse2.MultiplyAddAdjacent(a.V, b.V) : Portable(a.V, b.V))).AsInt16());

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words128 Add(Words128 a, Words128 b) => new((a.V.AsInt32() + b.V.AsInt32()).AsInt16());

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Half(Words128 words, bool upper) =>
        new(Vector128.ConvertToSingle(upper ? words.V.AsInt32() >> 16 : words.V.AsInt32() & Vector128.Create(0xFFFF)));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 ToFloats(Words128 sums) => new(Vector128.ConvertToSingle(sums.V.AsInt32()));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words128 UpperWords(Words128 a, Words128 b) => new(Vector128.Narrow(a.V.AsInt32() >> 16, b.V.AsInt32() >> 16));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words128 MaxWords(Words128 a, Words128 b) => new(Vector128.Max(a.V, b.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words128 MinWords(Words128 a, Words128 b) => new(Vector128.Min(a.V, b.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(Words128 low, Words128 high, Words128 factor, byte* target) =>
        (Vector128.Narrow(Scaled(low.V, factor.V), Scaled(high.V, factor.V)) ^ Vector128.Create(sbyte.MinValue)).AsByte().Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<short> Scaled(Vector128<short> words, Vector128<short> factor)
    {
        if (Ssse3.IsSupported) return Ssse3.MultiplyHighRoundScale(words, factor);
        (Vector128<int> low, Vector128<int> high) = Vector128.Widen(words);
        (Vector128<int> lowFactor, Vector128<int> highFactor) = Vector128.Widen(factor);
        return Vector128.Narrow(Rounded(low * lowFactor), Rounded(high * highFactor));

        static Vector128<int> Rounded(Vector128<int> product) => (product + Vector128.Create(1 << 14)) >> 15;
    }

    static Vector128<int> Portable(Vector128<short> a, Vector128<short> b)
    {
        Vector128<int> low = (a.AsInt32() << 16 >> 16) * (b.AsInt32() << 16 >> 16);
        return low + (a.AsInt32() >> 16) * (b.AsInt32() >> 16);
    }
}
