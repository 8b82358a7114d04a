using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>16 floats. The v4 level: AVX-512.</summary>
public readonly unsafe struct V512(Vector512<float> v) : ILanes<V512>
{
    readonly Vector512<float> V = v;

    /// <inheritdoc/>
    public static int Count => 16;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512 Create(float value) => new(Vector512.Create(value));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512 Repeat(Vector128<float> four) => new(Vector512.Create(Vector256.Create(four, four), Vector256.Create(four, four)));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512 Load(float* source) => new(Vector512.Load(source));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512 LoadQuads(float* source, nint stride) =>
        Join(V256.LoadQuads(source, stride), V256.LoadQuads(source + 2 * stride, stride));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512 LoadHalf(ushort* source)
    {
        Vector512<uint> h = Vector512.WidenLower(Vector256.Load(source).ToVector512Unsafe());
        Vector512<uint> magnitude = (h & Vector512.Create(0x7FFFu)) << 13;
        Vector512<float> value = magnitude.AsSingle() * Vector512.Create(5.192296858534828e33f);
        // The largest exponent of a half is infinity or NaN, which the product turned into a finite number.
        Vector512<uint> special = Vector512.GreaterThan(magnitude.AsInt32(), Vector512.Create(0x0F7FFFFF)).AsUInt32();
        special &= Vector512.Create(0x7F800000u);
        return new((value.AsUInt32() | special | ((h & Vector512.Create(0x8000u)) << 16)).AsSingle());
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512 LoadFiniteHalf(ushort* source)
    {
        // The shifted copies of the sign leave only the uppermost; the product moves the exponent's bias, of subnormals too.
        Vector512<int> shifted = Vector512.WidenLower(Vector256.Load((short*)source).ToVector512Unsafe()) << 13;
        return new((shifted & Vector512.Create(unchecked((int)0x8FFFE000))).AsSingle() * Vector512.Create(5.192296858534828e33f));
    }

    /// <inheritdoc/>
    public static bool AllFiniteHalves(ushort* source, long count)
    {
        // Without its sign a half that is not finite is among the largest numbers.
        Vector512<ushort> a = default, b = default;
        long i = 0;
        for (; i + 4 * Count <= count; i += 4 * Count)
        {
            a = Vector512.Max(a, Vector512.Load(source + i) << 1);
            b = Vector512.Max(b, Vector512.Load(source + i + 2 * Count) << 1);
        }
        bool finite = Vector512.LessThanAll(Vector512.Max(a, b), Vector512.Create((ushort)0xF800));
        for (; i < count; i++) finite &= (ushort)(source[i] << 1) < 0xF800;
        return finite;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512 LoadBFloat(ushort* source) => new((Vector512.WidenLower(Vector256.Load(source).ToVector512Unsafe()) << 16).AsSingle());

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(V512 value, float* target) => value.V.Store(target);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreQuads(V512 value, float* target, nint stride)
    {
        V256.StoreQuads(new(value.V.GetLower()), target, stride);
        V256.StoreQuads(new(value.V.GetUpper()), target + 2 * stride, stride);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreHalf(V512 value, ushort* target)
    {
        Vector512<uint> sign = value.V.AsUInt32() & Vector512.Create(0x80000000u), x = value.V.AsUInt32() ^ sign;
        // Moves the exponent's bias and rounds to nearest even by adding just below a half, or a half if odd.
        Vector512<uint> normal = (x + Vector512.Create(0xC8000FFFu) + ((x >> 13) & Vector512<uint>.One)) >> 13;
        // Adding ½ lets the processor round what becomes subnormal at the right bit.
        Vector512<uint> subnormal = (x.AsSingle() + Vector512.Create(0.5f)).AsUInt32() - Vector512.Create(0x3F000000u);
        Vector512<uint> small = Vector512.LessThan(x.AsInt32(), Vector512.Create(0x38800000)).AsUInt32();
        Vector512<uint> bits = Vector512.ConditionalSelect(small, subnormal, normal);
        Vector512<uint> infinite = Vector512.GreaterThan(x.AsInt32(), Vector512.Create(0x477FFFFF)).AsUInt32();
        bits = Vector512.ConditionalSelect(infinite, Vector512.Create(0x7C00u), bits);
        Vector512<uint> nan = Vector512.GreaterThan(x.AsInt32(), Vector512.Create(0x7F800000)).AsUInt32();
        bits = (bits | (nan & Vector512.Create(0x0200u))) | (sign >> 16);
        Vector512.Narrow(bits, bits).GetLower().Store(target);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBFloat(V512 value, ushort* target)
    {
        Vector512<uint> x = value.V.AsUInt32(), upper = x >> 16;
        Vector512<uint> rounded = (x + Vector512.Create(0x7FFFu) + (upper & Vector512<uint>.One)) >> 16;
        Vector512<uint> nan = Vector512.GreaterThan((x & Vector512.Create(0x7FFFFFFFu)).AsInt32(), Vector512.Create(0x7F800000)).AsUInt32();
        Vector512<uint> bits = Vector512.ConditionalSelect(nan, upper | Vector512.Create(0x0040u), rounded);
        Vector512.Narrow(bits, bits).GetLower().Store(target);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(V512 value, byte* target)
    {
        if (Avx512F.IsSupported) Avx512F.ConvertToVector128Byte(Avx512F.ConvertToVector512Int32(value.V)).Store(target);
        else
        {
            V256.StoreBytes(new(value.V.GetLower()), target);
            V256.StoreBytes(new(value.V.GetUpper()), target + 8);
        }
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512 MultiplyAdd(V512 a, V512 b, V512 c) => new(Vector512.MultiplyAddEstimate(a.V, b.V, c.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512 MultiplyAdd(V512 a, float* b, V512 c) => new(Vector512.MultiplyAddEstimate(a.V, Vector512.Load(b), c.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512 Add(V512 a, V512 b) => new(a.V + b.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512 Subtract(V512 a, V512 b) => new(a.V - b.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512 Multiply(V512 a, V512 b) => new(a.V * b.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512 Divide(V512 a, V512 b) => new(a.V / b.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512 Max(V512 a, V512 b) => new(Vector512.MaxNative(a.V, b.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512 SelectLess(V512 a, V512 b, V512 yes, V512 no) =>
        new(Vector512.ConditionalSelect(Vector512.LessThan(a.V, b.V), yes.V, no.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512 SelectBit(int* words, int bit, V512 yes, V512 no) =>
        new(Vector512.ConditionalSelect(Vector512.Equals(Vector512.Load(words) & Vector512.Create(1 << bit), Vector512<int>.Zero).AsSingle(), no.V, yes.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512 AddExponent(V512 mantissa, V512 shifted) =>
        new((mantissa.V.AsInt32() + (shifted.V.AsInt32() << 23)).AsSingle());

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AnyDiffers(V512 a, V512 b) => !Vector512.EqualsAll(a.V, b.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void TransposeQuads(ref V512 a, ref V512 b, ref V512 c, ref V512 d)
    {
        if (!Avx512F.IsSupported)
        {
            V256 a0 = new(a.V.GetLower()), b0 = new(b.V.GetLower()), c0 = new(c.V.GetLower()), d0 = new(d.V.GetLower());
            V256 a1 = new(a.V.GetUpper()), b1 = new(b.V.GetUpper()), c1 = new(c.V.GetUpper()), d1 = new(d.V.GetUpper());
            V256.TransposeQuads(ref a0, ref b0, ref c0, ref d0);
            V256.TransposeQuads(ref a1, ref b1, ref c1, ref d1);
            (a, b, c, d) = (Join(a0, a1), Join(b0, b1), Join(c0, c1), Join(d0, d1));
            return;
        }
        Vector512<double> low0 = Avx512F.UnpackLow(a.V, b.V).AsDouble(), high0 = Avx512F.UnpackHigh(a.V, b.V).AsDouble();
        Vector512<double> low1 = Avx512F.UnpackLow(c.V, d.V).AsDouble(), high1 = Avx512F.UnpackHigh(c.V, d.V).AsDouble();
        a = new(Avx512F.UnpackLow(low0, low1).AsSingle());
        b = new(Avx512F.UnpackHigh(low0, low1).AsSingle());
        c = new(Avx512F.UnpackLow(high0, high1).AsSingle());
        d = new(Avx512F.UnpackHigh(high0, high1).AsSingle());
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Sum4(V512 a, V512 b, V512 c, V512 d)
    {
        if (!Avx512F.IsSupported) return Quads.Sum(FoldAdd(a), FoldAdd(b), FoldAdd(c), FoldAdd(d));
        // Each quarter of four lanes becomes its own sum of a, b, c, d.
        Vector512<double> ab = (Avx512F.UnpackLow(a.V, b.V) + Avx512F.UnpackHigh(a.V, b.V)).AsDouble();
        Vector512<double> cd = (Avx512F.UnpackLow(c.V, d.V) + Avx512F.UnpackHigh(c.V, d.V)).AsDouble();
        return FoldAdd(new(Avx512F.UnpackLow(ab, cd).AsSingle() + Avx512F.UnpackHigh(ab, cd).AsSingle()));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> FoldAdd(V512 value)
    {
        Vector256<float> half = value.V.GetLower() + value.V.GetUpper();
        return half.GetLower() + half.GetUpper();
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> FoldMax(V512 value)
    {
        Vector256<float> half = Vector256.MaxNative(value.V.GetLower(), value.V.GetUpper());
        return Vector128.MaxNative(half.GetLower(), half.GetUpper());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V512 Join(V256 lower, V256 upper) => new(Vector512.Create(lower.V, upper.V));
}
