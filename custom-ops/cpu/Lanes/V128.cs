using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>4 floats. The baseline level: no fused multiply-add, so that every machine computes the same.</summary>
public readonly unsafe struct V128(Vector128<float> v) : ILanes<V128>
{
    internal readonly Vector128<float> V = v;

    /// <inheritdoc/>
    public static int Count => 4;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Create(float value) => new(Vector128.Create(value));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Repeat(Vector128<float> four) => new(four);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Load(float* source) => new(Vector128.Load(source));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 LoadQuads(float* source, nint stride) => Load(source);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 LoadHalf(ushort* source)
    {
        Vector128<uint> h = Vector128.WidenLower(Vector64.Load(source).ToVector128Unsafe());
        Vector128<uint> magnitude = (h & Vector128.Create(0x7FFFu)) << 13;
        Vector128<float> value = magnitude.AsSingle() * Vector128.Create(5.192296858534828e33f);
        // The largest exponent of a half is infinity or NaN, which the product turned into a finite number.
        Vector128<uint> special = Vector128.GreaterThan(magnitude.AsInt32(), Vector128.Create(0x0F7FFFFF)).AsUInt32();
        special &= Vector128.Create(0x7F800000u);
        return new((value.AsUInt32() | special | ((h & Vector128.Create(0x8000u)) << 16)).AsSingle());
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 LoadFiniteHalf(ushort* source)
    {
        // The shifted copies of the sign leave only the uppermost; the product moves the exponent's bias, of subnormals too.
        Vector128<int> shifted = Vector128.WidenLower(Vector64.Load((short*)source).ToVector128Unsafe()) << 13;
        return new((shifted & Vector128.Create(unchecked((int)0x8FFFE000))).AsSingle() * Vector128.Create(5.192296858534828e33f));
    }

    /// <inheritdoc/>
    public static bool AllFiniteHalves(ushort* source, long count)
    {
        // Without its sign a half that is not finite is among the largest numbers.
        Vector128<ushort> a = default, b = default;
        long i = 0;
        for (; i + 4 * Count <= count; i += 4 * Count)
        {
            a = Vector128.Max(a, Vector128.Load(source + i) << 1);
            b = Vector128.Max(b, Vector128.Load(source + i + 2 * Count) << 1);
        }
        bool finite = Vector128.LessThanAll(Vector128.Max(a, b), Vector128.Create((ushort)0xF800));
        for (; i < count; i++) finite &= (ushort)(source[i] << 1) < 0xF800;
        return finite;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 LoadBFloat(ushort* source) => new((Vector128.WidenLower(Vector64.Load(source).ToVector128Unsafe()) << 16).AsSingle());

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(V128 value, float* target) => value.V.Store(target);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreQuads(V128 value, float* target, nint stride) => Store(value, target);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreHalf(V128 value, ushort* target)
    {
        Vector128<uint> sign = value.V.AsUInt32() & Vector128.Create(0x80000000u), x = value.V.AsUInt32() ^ sign;
        // Moves the exponent's bias and rounds to nearest even by adding just below a half, or a half if odd.
        Vector128<uint> normal = (x + Vector128.Create(0xC8000FFFu) + ((x >> 13) & Vector128<uint>.One)) >> 13;
        // Adding ½ lets the processor round what becomes subnormal at the right bit.
        Vector128<uint> subnormal = (x.AsSingle() + Vector128.Create(0.5f)).AsUInt32() - Vector128.Create(0x3F000000u);
        Vector128<uint> small = Vector128.LessThan(x.AsInt32(), Vector128.Create(0x38800000)).AsUInt32();
        Vector128<uint> bits = Vector128.ConditionalSelect(small, subnormal, normal);
        Vector128<uint> infinite = Vector128.GreaterThan(x.AsInt32(), Vector128.Create(0x477FFFFF)).AsUInt32();
        bits = Vector128.ConditionalSelect(infinite, Vector128.Create(0x7C00u), bits);
        Vector128<uint> nan = Vector128.GreaterThan(x.AsInt32(), Vector128.Create(0x7F800000)).AsUInt32();
        bits = (bits | (nan & Vector128.Create(0x0200u))) | (sign >> 16);
        Vector128.Narrow(bits, bits).GetLower().Store(target);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBFloat(V128 value, ushort* target)
    {
        Vector128<uint> x = value.V.AsUInt32(), upper = x >> 16;
        Vector128<uint> rounded = (x + Vector128.Create(0x7FFFu) + (upper & Vector128<uint>.One)) >> 16;
        Vector128<uint> nan = Vector128.GreaterThan((x & Vector128.Create(0x7FFFFFFFu)).AsInt32(), Vector128.Create(0x7F800000)).AsUInt32();
        Vector128<uint> bits = Vector128.ConditionalSelect(nan, upper | Vector128.Create(0x0040u), rounded);
        Vector128.Narrow(bits, bits).GetLower().Store(target);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(V128 value, byte* target)
    {
        if (Sse2.IsSupported)
        {
            Vector128<short> words = Sse2.PackSignedSaturate(Sse2.ConvertToVector128Int32(value.V), default);
            Unsafe.WriteUnaligned(target, Sse2.PackUnsignedSaturate(words, words).AsUInt32().ToScalar());
            return;
        }
        Vector128<int> integers = Vector128.ConvertToInt32(Vector128.Round(value.V));
        for (int i = 0; i < Count; i++) target[i] = (byte)integers[i];
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 MultiplyAdd(V128 a, V128 b, V128 c) => new((a.V * b.V) + c.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 MultiplyAdd(V128 a, float* b, V128 c) => new((a.V * Vector128.Load(b)) + c.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Add(V128 a, V128 b) => new(a.V + b.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Subtract(V128 a, V128 b) => new(a.V - b.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Multiply(V128 a, V128 b) => new(a.V * b.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Divide(V128 a, V128 b) => new(a.V / b.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Max(V128 a, V128 b) => new(Vector128.MaxNative(a.V, b.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 SelectLess(V128 a, V128 b, V128 yes, V128 no) =>
        new(Vector128.ConditionalSelect(Vector128.LessThan(a.V, b.V), yes.V, no.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 SelectBit(int* words, int bit, V128 yes, V128 no) =>
        new(Vector128.ConditionalSelect(Vector128.Equals(Vector128.Load(words) & Vector128.Create(1 << bit), Vector128<int>.Zero).AsSingle(), no.V, yes.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 AddExponent(V128 mantissa, V128 shifted) =>
        new((mantissa.V.AsInt32() + (shifted.V.AsInt32() << 23)).AsSingle());

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AnyDiffers(V128 a, V128 b) => !Vector128.EqualsAll(a.V, b.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void TransposeQuads(ref V128 a, ref V128 b, ref V128 c, ref V128 d)
    {
        Vector128<float> a4 = a.V, b4 = b.V, c4 = c.V, d4 = d.V;
        Quads.Transpose(ref a4, ref b4, ref c4, ref d4);
        (a, b, c, d) = (new(a4), new(b4), new(c4), new(d4));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Sum4(V128 a, V128 b, V128 c, V128 d) =>
        Quads.Sum(FoldAdd(a), FoldAdd(b), FoldAdd(c), FoldAdd(d));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> FoldAdd(V128 value) => value.V;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> FoldMax(V128 value) => value.V;
}
