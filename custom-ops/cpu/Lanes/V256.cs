using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>8 floats. The v3 level: AVX2 and FMA.</summary>
public readonly unsafe struct V256(Vector256<float> v) : ILanes<V256>
{
    internal readonly Vector256<float> V = v;

    /// <inheritdoc/>
    public static int Count => 8;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 Create(float value) => new(Vector256.Create(value));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 Repeat(Vector128<float> four) => new(Vector256.Create(four, four));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 Load(float* source) => new(Vector256.Load(source));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 LoadQuads(float* source, nint stride) =>
        Join(V128.LoadQuads(source, stride), V128.LoadQuads(source + stride, stride));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 LoadHalf(ushort* source)
    {
        Vector256<uint> h = Vector256.WidenLower(Vector128.Load(source).ToVector256Unsafe());
        Vector256<uint> magnitude = (h & Vector256.Create(0x7FFFu)) << 13;
        Vector256<float> value = magnitude.AsSingle() * Vector256.Create(5.192296858534828e33f);
        // The largest exponent of a half is infinity or NaN, which the product turned into a finite number.
        Vector256<uint> special = Vector256.GreaterThan(magnitude.AsInt32(), Vector256.Create(0x0F7FFFFF)).AsUInt32();
        special &= Vector256.Create(0x7F800000u);
        return new((value.AsUInt32() | special | ((h & Vector256.Create(0x8000u)) << 16)).AsSingle());
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 LoadFiniteHalf(ushort* source)
    {
        // The shifted copies of the sign leave only the uppermost; the product moves the exponent's bias, of subnormals too.
        Vector256<int> shifted = Vector256.WidenLower(Vector128.Load((short*)source).ToVector256Unsafe()) << 13;
        return new((shifted & Vector256.Create(unchecked((int)0x8FFFE000))).AsSingle() * Vector256.Create(5.192296858534828e33f));
    }

    /// <inheritdoc/>
    public static bool AllFiniteHalves(ushort* source, long count)
    {
        // Without its sign a half that is not finite is among the largest numbers.
        Vector256<ushort> a = default, b = default;
        long i = 0;
        for (; i + 4 * Count <= count; i += 4 * Count)
        {
            a = Vector256.Max(a, Vector256.Load(source + i) << 1);
            b = Vector256.Max(b, Vector256.Load(source + i + 2 * Count) << 1);
        }
        bool finite = Vector256.LessThanAll(Vector256.Max(a, b), Vector256.Create((ushort)0xF800));
        for (; i < count; i++) finite &= (ushort)(source[i] << 1) < 0xF800;
        return finite;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 LoadBFloat(ushort* source) => new((Vector256.WidenLower(Vector128.Load(source).ToVector256Unsafe()) << 16).AsSingle());

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(V256 value, float* target) => value.V.Store(target);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreQuads(V256 value, float* target, nint stride)
    {
        V128.StoreQuads(new(value.V.GetLower()), target, stride);
        V128.StoreQuads(new(value.V.GetUpper()), target + stride, stride);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreHalf(V256 value, ushort* target)
    {
        Vector256<uint> sign = value.V.AsUInt32() & Vector256.Create(0x80000000u), x = value.V.AsUInt32() ^ sign;
        // Moves the exponent's bias and rounds to nearest even by adding just below a half, or a half if odd.
        Vector256<uint> normal = (x + Vector256.Create(0xC8000FFFu) + ((x >> 13) & Vector256<uint>.One)) >> 13;
        // Adding ½ lets the processor round what becomes subnormal at the right bit.
        Vector256<uint> subnormal = (x.AsSingle() + Vector256.Create(0.5f)).AsUInt32() - Vector256.Create(0x3F000000u);
        Vector256<uint> small = Vector256.LessThan(x.AsInt32(), Vector256.Create(0x38800000)).AsUInt32();
        Vector256<uint> bits = Vector256.ConditionalSelect(small, subnormal, normal);
        Vector256<uint> infinite = Vector256.GreaterThan(x.AsInt32(), Vector256.Create(0x477FFFFF)).AsUInt32();
        bits = Vector256.ConditionalSelect(infinite, Vector256.Create(0x7C00u), bits);
        Vector256<uint> nan = Vector256.GreaterThan(x.AsInt32(), Vector256.Create(0x7F800000)).AsUInt32();
        bits = (bits | (nan & Vector256.Create(0x0200u))) | (sign >> 16);
        Vector256.Narrow(bits, bits).GetLower().Store(target);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBFloat(V256 value, ushort* target)
    {
        Vector256<uint> x = value.V.AsUInt32(), upper = x >> 16;
        Vector256<uint> rounded = (x + Vector256.Create(0x7FFFu) + (upper & Vector256<uint>.One)) >> 16;
        Vector256<uint> nan = Vector256.GreaterThan((x & Vector256.Create(0x7FFFFFFFu)).AsInt32(), Vector256.Create(0x7F800000)).AsUInt32();
        Vector256<uint> bits = Vector256.ConditionalSelect(nan, upper | Vector256.Create(0x0040u), rounded);
        Vector256.Narrow(bits, bits).GetLower().Store(target);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(V256 value, byte* target)
    {
        if (Avx.IsSupported)
        {
            Vector256<int> integers = Avx.ConvertToVector256Int32(value.V);
            Vector128<short> words = Sse2.PackSignedSaturate(integers.GetLower(), integers.GetUpper());
            Unsafe.WriteUnaligned(target, Sse2.PackUnsignedSaturate(words, words).AsUInt64().ToScalar());
            return;
        }
        V128.StoreBytes(new(value.V.GetLower()), target);
        V128.StoreBytes(new(value.V.GetUpper()), target + 4);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 MultiplyAdd(V256 a, V256 b, V256 c) => new(Vector256.MultiplyAddEstimate(a.V, b.V, c.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 MultiplyAdd(V256 a, float* b, V256 c) => new(Vector256.MultiplyAddEstimate(a.V, Vector256.Load(b), c.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 Add(V256 a, V256 b) => new(a.V + b.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 Subtract(V256 a, V256 b) => new(a.V - b.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 Multiply(V256 a, V256 b) => new(a.V * b.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 Divide(V256 a, V256 b) => new(a.V / b.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 Max(V256 a, V256 b) => new(Vector256.MaxNative(a.V, b.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 SelectLess(V256 a, V256 b, V256 yes, V256 no) =>
        new(Vector256.ConditionalSelect(Vector256.LessThan(a.V, b.V), yes.V, no.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 SelectBit(int* words, int bit, V256 yes, V256 no) =>
        new(Vector256.ConditionalSelect(Vector256.Equals(Vector256.Load(words) & Vector256.Create(1 << bit), Vector256<int>.Zero).AsSingle(), no.V, yes.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 AddExponent(V256 mantissa, V256 shifted) =>
        new((mantissa.V.AsInt32() + (shifted.V.AsInt32() << 23)).AsSingle());

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AnyDiffers(V256 a, V256 b) => !Vector256.EqualsAll(a.V, b.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void TransposeQuads(ref V256 a, ref V256 b, ref V256 c, ref V256 d)
    {
        if (!Avx.IsSupported)
        {
            V128 a0 = new(a.V.GetLower()), b0 = new(b.V.GetLower()), c0 = new(c.V.GetLower()), d0 = new(d.V.GetLower());
            V128 a1 = new(a.V.GetUpper()), b1 = new(b.V.GetUpper()), c1 = new(c.V.GetUpper()), d1 = new(d.V.GetUpper());
            V128.TransposeQuads(ref a0, ref b0, ref c0, ref d0);
            V128.TransposeQuads(ref a1, ref b1, ref c1, ref d1);
            (a, b, c, d) = (Join(a0, a1), Join(b0, b1), Join(c0, c1), Join(d0, d1));
            return;
        }
        Vector256<double> low0 = Avx.UnpackLow(a.V, b.V).AsDouble(), high0 = Avx.UnpackHigh(a.V, b.V).AsDouble();
        Vector256<double> low1 = Avx.UnpackLow(c.V, d.V).AsDouble(), high1 = Avx.UnpackHigh(c.V, d.V).AsDouble();
        a = new(Avx.UnpackLow(low0, low1).AsSingle());
        b = new(Avx.UnpackHigh(low0, low1).AsSingle());
        c = new(Avx.UnpackLow(high0, high1).AsSingle());
        d = new(Avx.UnpackHigh(high0, high1).AsSingle());
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Sum4(V256 a, V256 b, V256 c, V256 d)
    {
        if (!Avx.IsSupported) return Quads.Sum(FoldAdd(a), FoldAdd(b), FoldAdd(c), FoldAdd(d));
        // Each quarter of four lanes becomes its own sum of a, b, c, d.
        Vector256<double> ab = (Avx.UnpackLow(a.V, b.V) + Avx.UnpackHigh(a.V, b.V)).AsDouble();
        Vector256<double> cd = (Avx.UnpackLow(c.V, d.V) + Avx.UnpackHigh(c.V, d.V)).AsDouble();
        return FoldAdd(new(Avx.UnpackLow(ab, cd).AsSingle() + Avx.UnpackHigh(ab, cd).AsSingle()));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> FoldAdd(V256 value) => value.V.GetLower() + value.V.GetUpper();

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> FoldMax(V256 value) => Vector128.MaxNative(value.V.GetLower(), value.V.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V256 Join(V128 lower, V128 upper) => new(Vector256.Create(lower.V, upper.V));
}
