using System.Globalization;
using OnnxEff.Ir;

namespace OnnxEff.GraphPasses.Raise.Positions;

/// <summary>
/// What a pair of cos and sin tables means: cos(p·fᵢ)·a and sin(p·fᵢ)·a at position p, for R/2 frequencies fᵢ.
/// </summary>
/// <param name="Width">R, the number of rotated elements of a head.</param>
/// <param name="Base">θ if fᵢ = θ^(−2i/R), else null: the frequencies are scaled or explicit.</param>
/// <param name="Scaling">a, the attention scaling.</param>
public sealed record RotaryFact(int Width, double? Base, double Scaling)
{
    /// <summary>The fact in words: <c>base 10000, width 64</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{(Base is { } b ? $"base {b:G6}" : "explicit frequencies")}, width {Width}{(Scaling == 1 ? "" : $", scaling {Scaling:G4}")}");

    /// <summary>
    /// Recognises the tables from their values at the positions of a sample.
    /// </summary>
    /// <param name="cos">[.., S, R or R/2] at <paramref name="positions"/>, in that order.</param>
    /// <param name="sin">As <paramref name="cos"/>.</param>
    /// <param name="positions">The position of each row of the tables.</param>
    /// <param name="width">R.</param>
    /// <param name="interleaved">True if doubled tables hold each value twice in a row, false if in two halves.</param>
    /// <returns>The fact, or null if the tables are no rotation by multiples of the positions.</returns>
    public static RotaryFact? TryRecognize(Tensor cos, Tensor sin, IReadOnlyList<long> positions, int width, bool interleaved)
    {
        if (cos.ToDouble() is not { } c || sin.ToDouble() is not { } s || c.Length != s.Length || positions.Count == 0)
            return null;
        var columns = c.Length / positions.Count;
        if (columns * positions.Count != c.Length || (columns != width && columns != width / 2))
            return null;
        var step = interleaved && columns == width ? 2 : 1;
        var scaling = Math.Sqrt((c[0] * c[0]) + (s[0] * s[0]));
        var one = positions.ToList().IndexOf(1);
        if (one < 0)
            return null;
        var frequencies = new double[width / 2];
        for (var i = 0; i < frequencies.Length; i++)
            frequencies[i] = Math.Atan2(s[(one * columns) + (i * step)], c[(one * columns) + (i * step)]);
        for (var row = 0; row < positions.Count; row++)
        {
            for (var i = 0; i < frequencies.Length; i++)
            {
                var at = (row * columns) + (i * step);
                var angle = positions[row] * frequencies[i];
                // Atan2 of fp32 values is good to 1e-7; the position multiplies that error.
                var tolerance = 1e-5 * Math.Max(1, positions[row]);
                if (Math.Abs(c[at] - (scaling * Math.Cos(angle))) > tolerance || Math.Abs(s[at] - (scaling * Math.Sin(angle))) > tolerance)
                    return null;
            }
        }
        return new(width, TryFindBase(frequencies, width), Math.Round(scaling, 5));
    }

    /// <summary>θ from the second frequency, θ^(−2/R), if all others follow from it.</summary>
    static double? TryFindBase(double[] frequencies, int width)
    {
        if (frequencies.Length < 2 || Math.Abs(frequencies[0] - 1) > 1e-5 || frequencies[1] <= 0)
            return null;
        // The last frequency has the largest exponent and so pins the base best.
        var last = frequencies.Length - 1;
        var theta = Math.Pow(frequencies[last], -width / (2.0 * last));
        var rounded = Math.Round(theta, Math.Max(0, 5 - (int)Math.Ceiling(Math.Log10(theta))));
        for (var i = 0; i < frequencies.Length; i++)
        {
            var expected = Math.Pow(rounded, -2.0 * i / width);
            if (Math.Abs(frequencies[i] - expected) > 1e-4 * expected + 1e-7)
                return null;
        }
        return rounded;
    }
}
