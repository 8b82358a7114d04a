using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>Steps of numbers that are rounded to bytes, of which the largest is 127 steps, or to words.</summary>
static class ByteSteps
{
    /// <summary>Steps of the largest number.</summary>
    public const int Most = 127;

    /// <summary>What is below is rounded to zero: its reciprocal would not be finite.</summary>
    public const float Smallest = 1e-30f;

    /// <summary>Takes notice of numbers: of the largest amounts, and in odd, which becomes NaN, of those that are not finite.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Meet(Vector512<float> x, ref Vector512<float> top, ref Vector512<float> odd)
    {
        top = Avx512F.Max(top, Vector512.Abs(x));
        odd += x * Vector512<float>.Zero;
    }

    /// <inheritdoc cref="Meet(Vector512{float}, ref Vector512{float}, ref Vector512{float})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Meet(Vector256<float> x, ref Vector256<float> top, ref Vector256<float> odd)
    {
        top = Avx.Max(top, Vector256.Abs(x));
        odd += x * Vector256<float>.Zero;
    }

    /// <summary>The step for a largest amount; plus odd, so that what is not finite makes all outputs NaN.</summary>
    /// <param name="top">The largest amount.</param>
    /// <param name="odd">What <see cref="Meet(Vector512{float}, ref Vector512{float}, ref Vector512{float})"/> left.</param>
    /// <param name="factor">What numbers are multiplied with.</param>
    /// <param name="most">Steps of the largest number.</param>
    public static float Of(float top, float odd, out float factor, int most = Most)
    {
        factor = top > Smallest ? most / top : 0;
        return top / most + odd;
    }

    /// <summary>The largest lane.</summary>
    public static float Greatest(Vector512<float> x) => Greatest(Avx.Max(x.GetLower(), x.GetUpper()));

    /// <summary>The largest lane.</summary>
    public static float Greatest(Vector256<float> x)
    {
        Vector128<float> quarter = Sse.Max(x.GetLower(), x.GetUpper());
        quarter = Sse.Max(quarter, Sse.MoveHighToLow(quarter, quarter));
        return MathF.Max(quarter[0], quarter[1]);
    }
}
