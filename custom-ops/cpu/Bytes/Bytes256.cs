using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>32 bytes: AVX2.</summary>
readonly unsafe struct Bytes256(Vector256<byte> v) : IShuffleLanes<Bytes256>
{
    readonly Vector256<byte> V = v;

    /// <inheritdoc/>
    public static int Count
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 32;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes256 Codes6(byte* unit, int part)
    {
        Vector256<uint> upper = Avx2.BroadcastVector128ToVector256(unit + 32).AsUInt32();
        upper = part == 0 ? Avx2.ShiftLeftLogicalVariable(upper, Vector256.Create(4u, 4, 4, 4, 2, 2, 2, 2))
            : Avx2.ShiftRightLogicalVariable(upper, Vector256.Create(0u, 0, 0, 0, 2, 2, 2, 2));
        return new((LowCodes(unit, part).V & Vector256.Create((byte)0x0F)) | (upper.AsByte() & Vector256.Create((byte)0x30)));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes256 Codes8(byte* unit, int part) => new(Vector256.Load(unit + part * Count));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes256 Lookup64(byte* table, Bytes256 codes) => ShuffleTree<Bytes256>.Lookup64(table, codes);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes256 Lookup256(byte* table, Bytes256 codes) => ShuffleTree<Bytes256>.Lookup256(table, codes);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes256 AddWords(Bytes256 a, Bytes256 b) => new((a.V.AsUInt16() + b.V.AsUInt16()).AsByte());

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes256 OddBytes(Bytes256 value) => new((value.V.AsUInt16() >> 8).AsByte());

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes256 EvenSums(Bytes256 words, Bytes256 oddSums) => new((words.V.AsUInt16() - (oddSums.V.AsUInt16() << 8)).AsByte());

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddTo(Bytes256 words, int offset, float factor, float* target)
    {
        Vector256<short> signed = words.V.AsInt16() - Vector256.Create((short)offset);
        Vector256<float> f = Vector256.Create(factor);
        Vector256.MultiplyAddEstimate(Vector256.ConvertToSingle(Vector256.WidenLower(signed)), f, Vector256.Load(target)).Store(target);
        Vector256.MultiplyAddEstimate(Vector256.ConvertToSingle(Vector256.WidenUpper(signed)), f, Vector256.Load(target + 8)).Store(target + 8);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes256 Load(byte* source) => new(Vector256.Load(source));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Bytes256 value, byte* target) => value.V.Store(target);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes256 Shuffle(byte* table, Bytes256 indices) => new(Avx2.Shuffle(Avx2.BroadcastVector128ToVector256(table), indices.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes256 Low4(Bytes256 value) => new(value.V & Vector256.Create((byte)0x0F));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes256 High4(Bytes256 value) => Low4(new((value.V.AsUInt16() >> 4).AsByte()));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes256 Shuffle(Bytes256 table, Bytes256 index) => new(Avx2.Shuffle(table.V, index.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes128 Fold(Bytes256 words) => new((words.V.AsUInt16().GetLower() + words.V.AsUInt16().GetUpper()).AsByte());

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes256 BitToTop(Bytes256 value, int bit) => new((value.V.AsUInt16() << (7 - bit)).AsByte());

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes256 Select(Bytes256 tops, Bytes256 no, Bytes256 yes) => new(Avx2.BlendVariable(no.V, yes.V, tops.V));

    // Of the codes' low 4 bits, two in a byte; the bits above hold anything.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Bytes256 LowCodes(byte* unit, int part)
    {
        Vector256<byte> pairs = Vector256.Load(unit);
        return new(part == 0 ? pairs : (pairs.AsUInt16() >> 4).AsByte());
    }
}
