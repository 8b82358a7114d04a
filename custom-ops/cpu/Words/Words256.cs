using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>32 bytes: AVX2.</summary>
readonly unsafe struct Words256(Vector256<short> v) : IWordLanes<Words256, V256>
{
    readonly Vector256<short> V = v;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words256 Load(byte* source) => new(Vector256.Load((short*)source));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Words256 value, int* target) => value.V.AsInt32().Store(target);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words256 Create(int value) => new(Vector256.Create(value).AsInt16());

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words256 Fields(Words256 words, int shift, Words256 mask) => new((words.V.AsUInt16() >> shift).AsInt16() & mask.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words256 And(Words256 words, Words256 mask) => new(words.V & mask.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words256 Upper(Words256 words, int shift) => new((words.V.AsUInt16() >> shift).AsInt16());

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words256 Down(Words256 sums, int shift) => new((sums.V.AsInt32() >> shift).AsInt16());

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words256 AddProducts(Words256 sum, Words256 a, Words256 b) => new((sum.V.AsInt32() + (Avx2.MultiplyAddAdjacent(a.V, b.V))).AsInt16());

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words256 Add(Words256 a, Words256 b) => new((a.V.AsInt32() + b.V.AsInt32()).AsInt16());

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 Half(Words256 words, bool upper) =>
        new(Vector256.ConvertToSingle(upper ? words.V.AsInt32() >> 16 : words.V.AsInt32() & Vector256.Create(0xFFFF)));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 ToFloats(Words256 sums) => new(Vector256.ConvertToSingle(sums.V.AsInt32()));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words256 UpperWords(Words256 a, Words256 b) => new(Avx2.PackSignedSaturate(a.V.AsInt32() >> 16, b.V.AsInt32() >> 16)); // Halves of both take turns.

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words256 MaxWords(Words256 a, Words256 b) => new(Vector256.Max(a.V, b.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words256 MinWords(Words256 a, Words256 b) => new(Vector256.Min(a.V, b.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(Words256 low, Words256 high, Words256 factor, byte* target)
    {
        Vector256<sbyte> bytes = Avx2.PackSignedSaturate(Avx2.MultiplyHighRoundScale(low.V, factor.V), Avx2.MultiplyHighRoundScale(high.V, factor.V));
        bytes = Avx2.PermuteVar8x32(bytes.AsInt32(), Vector256.Create(0, 4, 1, 5, 2, 6, 3, 7)).AsSByte(); // So do halves of four here.
        (bytes ^ Vector256.Create(sbyte.MinValue)).AsByte().Store(target);
    }
}
