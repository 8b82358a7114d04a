namespace OnnxEff.Compression;

/// <summary>A rate of vectors along the inputs: b = log2(k) / v bits a weight.</summary>
/// <param name="Length">v.</param>
/// <param name="Centroids">k.</param>
public readonly record struct VqRate(int Length, int Centroids)
{
    /// <summary>All that the stored form has, by bits.</summary>
    public static IReadOnlyList<VqRate> All { get; } = [new(4, 16), new(4, 64), new(4, 256), new(2, 64), new(2, 256)];

    /// <summary>Bits a weight, without side data.</summary>
    public double Bits => Math.Log2(Centroids) / Length;
}
