using System.Runtime.Intrinsics;
using OnnxEff.Formats;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>
/// Activations as 16-bit words with a step for each block of 32: x ≈ step · word with an error of at most step / 2, which is 1/65534 of the block's largest. Products
/// with codes are then whole numbers below 2³¹, of which none is rounded.
/// </summary>
readonly unsafe struct AffineInputs(short* words, float* steps, int* sums, int blocks)
{
    const int Inputs = AffineBlockLayout.BlockInputs;

    /// <summary>[tokens][blocks][32]; 0 behind the last input.</summary>
    public readonly short* Words = words;

    /// <summary>[tokens][blocks]; NaN where a block holds what is not finite.</summary>
    public readonly float* Steps = steps;

    /// <summary>[tokens][blocks]: the sum of the words.</summary>
    public readonly int* Sums = sums;

    /// <summary>Bytes of a token's words, steps and sums.</summary>
    public static nuint Bytes(int blocks) => (nuint)blocks * (Inputs * sizeof(short) + sizeof(float) + sizeof(int));

    /// <summary>The arrays of some tokens in one piece of memory.</summary>
    public static AffineInputs In(byte* memory, int tokens, int blocks)
    {
        var words = (short*)memory;
        var steps = (float*)(words + (long)tokens * blocks * Inputs);
        return new(words, steps, (int*)(steps + (long)tokens * blocks), blocks);
    }

    /// <summary>Fills a token's arrays.</summary>
    /// <param name="token">Its number.</param>
    /// <param name="x">[count]</param>
    /// <param name="count">K.</param>
    public void Write(int token, float* x, int count)
    {
        float* padded = stackalloc float[Inputs];
        for (int b = 0; b < blocks; b++, x += Inputs, count -= Inputs)
        {
            long at = (long)token * blocks + b;
            float* block = x;
            if (count < Inputs)
            {
                new Span<float>(padded, Inputs).Clear();
                new ReadOnlySpan<float>(x, count).CopyTo(new(padded, Inputs));
                block = padded;
            }
            (Steps[at], Sums[at]) = Round(block, Words + at * Inputs);
        }
    }

    static (float Step, int Sum) Round(float* x, short* words)
    {
        Vector256<float> a = Vector256.Load(x), b = Vector256.Load(x + 8), c = Vector256.Load(x + 16), d = Vector256.Load(x + 24);
        // Without their sign floats are ordered as their bits are, with what is not finite as the largest.
        Vector256<int> largest = Vector256.Max(Vector256.Max(Bits(a), Bits(b)), Vector256.Max(Bits(c), Bits(d)));
        Vector128<int> four = Vector128.Max(largest.GetLower(), largest.GetUpper());
        four = Vector128.Max(four, Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1)));
        float most = BitConverter.Int32BitsToSingle(Math.Max(four[0], four[1]));
        float step = most / short.MaxValue, perStep = step > 0 ? 1 / step : 0;
        if (!float.IsFinite(most) || !float.IsFinite(perStep) || perStep == 0)
        {
            // Nothing to divide by: all are 0, or so small that they count as 0, or one is infinite or NaN, and then so are the products.
            new Span<short>(words, Inputs).Clear();
            return (float.IsFinite(most) ? 0 : float.NaN, 0);
        }
        Vector256<int> wa = Nearest(a * perStep), wb = Nearest(b * perStep), wc = Nearest(c * perStep), wd = Nearest(d * perStep);
        Vector256.Narrow(wa, wb).Store(words);
        Vector256.Narrow(wc, wd).Store(words + 16);
        return (step, Vector256.Sum(wa + wb + (wc + wd)));
    }

    static Vector256<int> Bits(Vector256<float> x) => x.AsInt32() & Vector256.Create(int.MaxValue);

    static Vector256<int> Nearest(Vector256<float> x) => Vector256.ConvertToInt32Native(Vector256.Round(x));
}
