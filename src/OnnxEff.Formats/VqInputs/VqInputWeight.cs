namespace OnnxEff.Formats;

/// <summary>
/// A linear layer's weight W [N, K] as vectors along the inputs, before it is packed for a kernel: with j the stored column of input i = permutation[j],
/// W[o, i] = rowScale[o] · columnScale[i] · codebook[codes[o, j div v]][j mod v] + outlier(o, i). The last vector's components behind K are dropped.
/// </summary>
/// <param name="Outputs">N.</param>
/// <param name="Inputs">K.</param>
/// <param name="VectorLength">v: 2 or 4.</param>
/// <param name="Codes">[N, G] with G = ceil(K/v), row-major.</param>
/// <param name="Codebook">[k, v], row-major; k is 16, 64 or 256.</param>
public sealed record VqInputWeight(int Outputs, int Inputs, int VectorLength, byte[] Codes, Half[] Codebook)
{
    /// <summary>[K], by input and not by stored column; null for ones.</summary>
    public Half[]? ColumnScale { get; init; }

    /// <summary>[N]; null for ones.</summary>
    public Half[]? RowScale { get; init; }

    /// <summary>[K]: the input of each stored column; null where that is its own number.</summary>
    public int[]? Permutation { get; init; }

    /// <summary>Single weights that a codebook does not reach, by row and then by input; what they hold is added to the coded weight.</summary>
    public IReadOnlyList<OutlierWeight> Outliers { get; init; } = [];

    /// <summary>k.</summary>
    public int Centroids => Codebook.Length / VectorLength;

    /// <summary>G.</summary>
    public int Groups => (Inputs + VectorLength - 1) / VectorLength;

    /// <summary>The dense weight [N, K], row-major.</summary>
    public float[] Decode()
    {
        var dense = new float[(long)Outputs * Inputs];
        for (int o = 0; o < Outputs; o++)
        {
            float row = RowScale is null ? 1 : (float)RowScale[o];
            for (int j = 0; j < Inputs; j++)
            {
                int i = Permutation is null ? j : Permutation[j];
                float column = ColumnScale is null ? 1 : (float)ColumnScale[i];
                int code = Codes[(long)o * Groups + j / VectorLength];
                dense[(long)o * Inputs + i] = row * column * (float)Codebook[code * VectorLength + j % VectorLength];
            }
        }
        foreach (var outlier in Outliers) dense[(long)outlier.Output * Inputs + outlier.Input] += (float)outlier.Value;
        return dense;
    }
}

/// <summary>A weight kept beside the codes.</summary>
/// <param name="Output">Its row.</param>
/// <param name="Input">Its column.</param>
/// <param name="Value">What is added to the coded weight.</param>
public readonly record struct OutlierWeight(int Output, int Input, Half Value);
