using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>Steps of numbers that are rounded to bytes on AVX-512: the largest of them is 127 steps.</summary>
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

    /// <summary>The step for a largest amount; plus odd, so that what is not finite makes all outputs NaN.</summary>
    public static float Of(float top, float odd, out float factor)
    {
        factor = top > Smallest ? Most / top : 0;
        return top / Most + odd;
    }

    /// <summary>The largest lane.</summary>
    public static float Greatest(Vector512<float> x)
    {
        Vector256<float> half = Avx.Max(x.GetLower(), x.GetUpper());
        Vector128<float> quarter = Sse.Max(half.GetLower(), half.GetUpper());
        quarter = Sse.Max(quarter, Sse.MoveHighToLow(quarter, quarter));
        return MathF.Max(quarter[0], quarter[1]);
    }
}
