using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>64 bytes: AVX-512 BW.</summary>
readonly unsafe struct Words512(Vector512<short> v) : IWordLanes<Words512, V512>
{
    readonly Vector512<short> V = v;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words512 Load(byte* source) => new(Vector512.Load((short*)source));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Words512 value, int* target) => value.V.AsInt32().Store(target);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words512 Create(int value) => new(Vector512.Create(value).AsInt16());

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words512 Fields(Words512 words, int shift, Words512 mask) => new((words.V.AsUInt16() >> shift).AsInt16() & mask.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words512 And(Words512 words, Words512 mask) => new(words.V & mask.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words512 Upper(Words512 words, int shift) => new((words.V.AsUInt16() >> shift).AsInt16());

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words512 Down(Words512 sums, int shift) => new((sums.V.AsInt32() >> shift).AsInt16());

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words512 AddProducts(Words512 sum, Words512 a, Words512 b) => new((sum.V.AsInt32() + (Avx512BW.MultiplyAddAdjacent(a.V, b.V))).AsInt16());

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words512 Add(Words512 a, Words512 b) => new((a.V.AsInt32() + b.V.AsInt32()).AsInt16());

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512 Half(Words512 words, bool upper) =>
        new(Vector512.ConvertToSingle(upper ? words.V.AsInt32() >> 16 : words.V.AsInt32() & Vector512.Create(0xFFFF)));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512 ToFloats(Words512 sums) => new(Vector512.ConvertToSingle(sums.V.AsInt32()));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words512 UpperWords(Words512 a, Words512 b) => new(Avx512BW.PermuteVar32x16x2(a.V, (Vector512<short>.Indices << 1) + Vector512<short>.One, b.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words512 MaxWords(Words512 a, Words512 b) => new(Vector512.Max(a.V, b.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words512 MinWords(Words512 a, Words512 b) => new(Vector512.Min(a.V, b.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(Words512 low, Words512 high, Words512 factor, byte* target)
    {
        Vector512<sbyte> bytes = Avx512BW.PackSignedSaturate(Avx512BW.MultiplyHighRoundScale(low.V, factor.V), Avx512BW.MultiplyHighRoundScale(high.V, factor.V));
        bytes = Avx512F.PermuteVar8x64(bytes.AsInt64(), Vector512.Create(0L, 2, 4, 6, 1, 3, 5, 7)).AsSByte(); // Quarters of both take turns.
        (bytes ^ Vector512.Create(sbyte.MinValue)).AsByte().Store(target);
    }
}
