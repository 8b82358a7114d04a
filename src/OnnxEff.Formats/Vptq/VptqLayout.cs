using System.Numerics;

namespace OnnxEff.Formats;

/// <summary>
/// The sizes of a linear layer in the public VPTQ layout (arXiv 2409.17066). The weight [N, K] is cut along its outputs: a vector is
/// <see cref="VectorLength"/> outputs of one column, and is stored as the index of a centroid, or as two that add up. Columns are stored in an order
/// of their own: first the outliers, which have longer or shorter vectors and a codebook for themselves, then the groups, each with its codebooks.
/// </summary>
/// <param name="Outputs">N.</param>
/// <param name="Inputs">K.</param>
/// <param name="VectorLength">v.</param>
/// <param name="Centroids">k, a power of two.</param>
public sealed record VptqLayout(int Outputs, int Inputs, int VectorLength, int Centroids)
{
    /// <summary>Longest vector of a codebook: that of the widest registers.</summary>
    public const int LongestVector = 16;

    const int MostCentroids = 1 << 16;

    /// <summary>k2, a power of two, or 0 where vectors are one centroid each.</summary>
    public int ResidualCentroids { get; init; }

    /// <summary>G.</summary>
    public int Groups { get; init; } = 1;

    /// <summary>S.</summary>
    public int OutlierColumns { get; init; }

    /// <summary>v0, or 0 without outliers.</summary>
    public int OutlierVectorLength { get; init; }

    /// <summary>k0, or 0 without outliers.</summary>
    public int OutlierCentroids { get; init; }

    /// <summary>Columns of a group.</summary>
    public int GroupSize => (Inputs - OutlierColumns) / Groups;

    /// <summary>Vectors that a column is cut into; the last may reach behind the last output.</summary>
    public int Vectors => (Outputs + VectorLength - 1) / VectorLength;

    /// <summary>Vectors that an outlier column is cut into.</summary>
    public int OutlierVectors => OutlierColumns == 0 ? 0 : (Outputs + OutlierVectorLength - 1) / OutlierVectorLength;

    /// <summary>b: the low bits of a code, the index of the main centroid.</summary>
    public int MainBits => BitOperations.Log2((uint)Centroids);

    /// <summary>r: the bits above, the index of the residual centroid.</summary>
    public int ResidualBits => ResidualCentroids == 0 ? 0 : BitOperations.Log2((uint)ResidualCentroids);

    /// <summary>n = b + r.</summary>
    public int CodeBits => MainBits + ResidualBits;

    /// <summary>32-bit words of the codes of one vector of all columns of a group.</summary>
    public int RowWords => (int)(((long)GroupSize * CodeBits + 31) / 32);

    /// <summary>Why no weight has these sizes, or null when they are fine.</summary>
    public string? Refusal() => this switch
    {
        { Outputs: < 1 } or { Inputs: < 1 } => $"a layer of {Outputs} outputs and {Inputs} inputs holds nothing",
        _ when (long)Outputs * Inputs > int.MaxValue => $"a layer of {Outputs} outputs and {Inputs} inputs has more than 2^31 - 1 weights",
        { VectorLength: < 1 or > LongestVector } => $"vectors of length {VectorLength} are not read, only those of 1 to {LongestVector}",
        { Centroids: < 2 or > MostCentroids } => $"a codebook has 2 to {MostCentroids} centroids, not {Centroids}",
        { ResidualCentroids: < 0 or 1 or > MostCentroids } => $"a residual codebook has 2 to {MostCentroids} centroids, not {ResidualCentroids}",
        _ when !BitOperations.IsPow2(Centroids) || (ResidualCentroids > 0 && !BitOperations.IsPow2(ResidualCentroids)) =>
            $"codebooks of {Centroids} and {ResidualCentroids} centroids are not read: how many bits an index has is known of powers of two only",
        { OutlierColumns: < 0 } => $"{OutlierColumns} outlier columns cannot be",
        { OutlierColumns: 0 } and not { OutlierCentroids: 0, OutlierVectorLength: 0 } => "there is a codebook for outliers and no outlier column",
        { OutlierColumns: > 0, OutlierVectorLength: < 1 or > LongestVector } => $"outlier vectors of length {OutlierVectorLength} are not read, only those of 1 to {LongestVector}",
        { OutlierColumns: > 0, OutlierCentroids: < 1 or > MostCentroids } => $"a codebook for outliers has 1 to {MostCentroids} centroids, not {OutlierCentroids}",
        { Groups: < 1 } => $"{Groups} groups of columns cannot be",
        _ when Inputs - OutlierColumns < Groups || (Inputs - OutlierColumns) % Groups != 0 =>
            $"{Inputs} columns less {OutlierColumns} outliers are not {Groups} groups of one size",
        _ => null,
    };
}
