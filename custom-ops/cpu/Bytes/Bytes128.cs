using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>16 bytes.</summary>
readonly unsafe struct Bytes128(Vector128<byte> v) : IShuffleLanes<Bytes128>
{
    readonly Vector128<byte> V = v;

    /// <inheritdoc/>
    public static int Count
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 16;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes128 Codes6(byte* unit, int part)
    {
        Vector128<ushort> upper = Vector128.Load(unit + 32).AsUInt16();
        upper = part == 0 ? upper << 4 : part == 1 ? upper << 2 : part == 2 ? upper : upper >> 2;
        return new((LowCodes(unit, part).V & Vector128.Create((byte)0x0F)) | (upper.AsByte() & Vector128.Create((byte)0x30)));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes128 Codes8(byte* unit, int part) => new(Vector128.Load(unit + part * Count));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes128 Lookup64(byte* table, Bytes128 codes) => ShuffleTree<Bytes128>.Lookup64(table, codes);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes128 Lookup256(byte* table, Bytes128 codes) => ShuffleTree<Bytes128>.Lookup256(table, codes);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes128 AddWords(Bytes128 a, Bytes128 b) => new((a.V.AsUInt16() + b.V.AsUInt16()).AsByte());

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes128 OddBytes(Bytes128 value) => new((value.V.AsUInt16() >> 8).AsByte());

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes128 EvenSums(Bytes128 words, Bytes128 oddSums) => new((words.V.AsUInt16() - (oddSums.V.AsUInt16() << 8)).AsByte());

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddTo(Bytes128 words, int offset, float factor, float* target)
    {
        Vector128<short> signed = words.V.AsInt16() - Vector128.Create((short)offset);
        (Vector128.Load(target) + Vector128.ConvertToSingle(Vector128.WidenLower(signed)) * Vector128.Create(factor)).Store(target);
        (Vector128.Load(target + 4) + Vector128.ConvertToSingle(Vector128.WidenUpper(signed)) * Vector128.Create(factor)).Store(target + 4);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes128 Load(byte* source) => new(Vector128.Load(source));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Bytes128 value, byte* target) => value.V.Store(target);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes128 Shuffle(byte* table, Bytes128 indices) => Shuffle(Load(table), Ssse3.IsSupported ? indices : Low4(indices));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes128 Low4(Bytes128 value) => new(value.V & Vector128.Create((byte)0x0F));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes128 High4(Bytes128 value) => Low4(new((value.V.AsUInt16() >> 4).AsByte()));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes128 Shuffle(Bytes128 table, Bytes128 index) => new(Ssse3.IsSupported ? Ssse3.Shuffle(table.V, index.V)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.VectorTableLookup(table.V, index.V) : Vector128.Shuffle(table.V, index.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes128 Fold(Bytes128 words) => words;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes128 BitToTop(Bytes128 value, int bit) => new((value.V.AsUInt16() << (7 - bit)).AsByte());

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes128 Select(Bytes128 tops, Bytes128 no, Bytes128 yes) => new(Sse41.IsSupported ? Sse41.BlendVariable(no.V, yes.V, tops.V)
        : Vector128.ConditionalSelect(Vector128.LessThan(tops.V.AsSByte(), Vector128<sbyte>.Zero).AsByte(), yes.V, no.V));

    // Of the codes' low 4 bits, two in a byte; the bits above hold anything.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Bytes128 LowCodes(byte* unit, int part)
    {
        Vector128<byte> pairs = Vector128.Load(unit + part % 2 * Count);
        return new(part < 2 ? pairs : (pairs.AsUInt16() >> 4).AsByte());
    }
}
