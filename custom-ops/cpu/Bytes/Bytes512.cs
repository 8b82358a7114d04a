using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>Whether the processor looks bytes up in whole registers (AVX-512 VBMI), which its level does not say.</summary>
interface IBytePermutes
{
    /// <summary>True where it does.</summary>
    static abstract bool Exist { get; }
}

/// <summary>AVX-512 VBMI is there.</summary>
readonly struct WithPermutes : IBytePermutes
{
    public static bool Exist => true;
}

/// <summary>AVX-512 VBMI is not there.</summary>
readonly struct WithoutPermutes : IBytePermutes
{
    public static bool Exist => false;
}

/// <summary>64 bytes: AVX-512 BW, and VBMI if so told.</summary>
readonly unsafe struct Bytes512<TPermutes>(Vector512<byte> v) : IShuffleLanes<Bytes512<TPermutes>> where TPermutes : IBytePermutes
{
    readonly Vector512<byte> V = v;

    /// <inheritdoc/>
    public static int Count
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 64;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes512<TPermutes> Codes6(byte* unit, int part)
    {
        Vector512<uint> upper = Avx512F.BroadcastVector128ToVector512((uint*)(unit + 32));
        upper = Avx512F.RotateLeftVariable(upper, Vector512.Create(4u, 4, 4, 4, 2, 2, 2, 2, 0, 0, 0, 0, 30, 30, 30, 30));
        Vector512<byte> low = LowCodes(unit, part).V;
        // Bits of low where the mask has ones, of upper elsewhere. Only a lookup by permutes does not see the two bits above.
        if (TPermutes.Exist) return new(Avx512F.TernaryLogic(Vector512.Create((byte)0x0F), low, upper.AsByte(), 0xCA));
        return new((low & Vector512.Create((byte)0x0F)) | (upper.AsByte() & Vector512.Create((byte)0x30)));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes512<TPermutes> Codes8(byte* unit, int part) => new(Vector512.Load(unit));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes512<TPermutes> Lookup64(byte* table, Bytes512<TPermutes> codes) =>
        TPermutes.Exist ? new(Avx512Vbmi.PermuteVar64x8(Vector512.Load(table), codes.V)) : ShuffleTree<Bytes512<TPermutes>>.Lookup64(table, codes);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes512<TPermutes> Lookup256(byte* table, Bytes512<TPermutes> codes)
    {
        if (!TPermutes.Exist) return ShuffleTree<Bytes512<TPermutes>>.Lookup256(table, codes);
        Vector512<byte> lower = Avx512Vbmi.PermuteVar64x8x2(Vector512.Load(table), codes.V, Vector512.Load(table + 64));
        Vector512<byte> upper = Avx512Vbmi.PermuteVar64x8x2(Vector512.Load(table + 128), codes.V, Vector512.Load(table + 192));
        return new(Avx512BW.BlendVariable(lower, upper, codes.V));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes512<TPermutes> AddWords(Bytes512<TPermutes> a, Bytes512<TPermutes> b) => new((a.V.AsUInt16() + b.V.AsUInt16()).AsByte());

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes512<TPermutes> OddBytes(Bytes512<TPermutes> value) => new((value.V.AsUInt16() >> 8).AsByte());

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes512<TPermutes> EvenSums(Bytes512<TPermutes> words, Bytes512<TPermutes> oddSums) => new((words.V.AsUInt16() - (oddSums.V.AsUInt16() << 8)).AsByte());

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddTo(Bytes512<TPermutes> words, int offset, float factor, float* target)
    {
        Vector512<short> signed = words.V.AsInt16() - Vector512.Create((short)offset);
        Vector512<float> f = Vector512.Create(factor);
        Vector512.MultiplyAddEstimate(Vector512.ConvertToSingle(Vector512.WidenLower(signed)), f, Vector512.Load(target)).Store(target);
        Vector512.MultiplyAddEstimate(Vector512.ConvertToSingle(Vector512.WidenUpper(signed)), f, Vector512.Load(target + 16)).Store(target + 16);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes512<TPermutes> Load(byte* source) => new(Vector512.Load(source));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Bytes512<TPermutes> value, byte* target) => value.V.Store(target);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes512<TPermutes> Shuffle(byte* table, Bytes512<TPermutes> indices) => new(Avx512BW.Shuffle(Table(table), indices.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes512<TPermutes> Low4(Bytes512<TPermutes> value) => new(value.V & Vector512.Create((byte)0x0F));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes512<TPermutes> High4(Bytes512<TPermutes> value) => Low4(new((value.V.AsUInt16() >> 4).AsByte()));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes512<TPermutes> Shuffle(Bytes512<TPermutes> table, Bytes512<TPermutes> index) => new(Avx512BW.Shuffle(table.V, index.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes128 Fold(Bytes512<TPermutes> words)
    {
        Vector256<ushort> half = words.V.AsUInt16().GetLower() + words.V.AsUInt16().GetUpper();
        return new((half.GetLower() + half.GetUpper()).AsByte());
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes512<TPermutes> BitToTop(Bytes512<TPermutes> value, int bit) => new((value.V.AsUInt16() << (7 - bit)).AsByte());

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes512<TPermutes> Select(Bytes512<TPermutes> tops, Bytes512<TPermutes> no, Bytes512<TPermutes> yes) => new(Avx512BW.BlendVariable(no.V, yes.V, tops.V));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<byte> Table(byte* table) => Avx512F.BroadcastVector128ToVector512((uint*)table).AsByte();

    // Of the codes' low 4 bits, two in a byte; the bits above hold anything.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Bytes512<TPermutes> LowCodes(byte* unit, int part)
    {
        Vector512<ushort> pairs = Avx512F.BroadcastVector256ToVector512((ulong*)unit).AsUInt16();
        // One number a lane: only then is the vector a constant.
        Vector512<ushort> shifts = Vector512.Create((ushort)0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4);
        return new(Avx512BW.ShiftRightLogicalVariable(pairs, shifts).AsByte());
    }
}
