namespace OnnxEff.Compression;

/// <summary>Centroids of vectors, with values that fp16 holds: what is stored is what was quantised with.</summary>
/// <param name="Length">v.</param>
/// <param name="Values">[k, v], row-major.</param>
public sealed record Codebook(int Length, float[] Values)
{
    /// <summary>k.</summary>
    public int Centroids => Values.Length / Length;

    /// <summary>As it is stored.</summary>
    public Half[] Stored => Array.ConvertAll(Values, value => (Half)value);

    /// <summary>A codebook of any values, each rounded to the nearest that fp16 holds.</summary>
    public static Codebook Rounded(int length, ReadOnlySpan<double> values)
    {
        var rounded = new float[values.Length];
        for (var i = 0; i < rounded.Length; i++) rounded[i] = (float)(Half)Math.Clamp(values[i], -60000, 60000);
        return new(length, rounded);
    }
}
