namespace OnnxEff.Ops;

/// <summary>A tensor of the scalar references: row-major data with its sizes.</summary>
/// <param name="Dims">Sizes, slowest axis first.</param>
/// <param name="Data">As many elements as the sizes say.</param>
public sealed record Dense<T>(long[] Dims, T[] Data)
{
    /// <summary>The element at a full index; an axis of size one is repeated for any index.</summary>
    public T this[params ReadOnlySpan<long> index]
    {
        get
        {
            long at = 0;
            for (int axis = 0; axis < Dims.Length; axis++)
                at = at * Dims[axis] + (Dims[axis] == 1 ? 0 : index[axis]);
            return Data[at];
        }
    }
}

/// <summary>Products of the scalar references.</summary>
public static class Dense
{
    /// <summary>x · Wᵀ + bias, added up in double.</summary>
    /// <param name="x">[..., K]</param>
    /// <param name="weight">W [N, K]</param>
    /// <param name="outputs">N.</param>
    /// <param name="inputs">K.</param>
    /// <param name="bias">[N], or null.</param>
    /// <returns>[..., N]</returns>
    public static Dense<float> Product(Dense<float> x, float[] weight, int outputs, int inputs, float[]? bias)
    {
        var y = new float[x.Data.Length / inputs * outputs];
        for (int at = 0; at < y.Length; at++)
        {
            (int row, int o) = (at / outputs, at % outputs);
            double sum = bias?[o] ?? 0;
            for (int i = 0; i < inputs; i++) sum += (double)x.Data[row * inputs + i] * weight[(long)o * inputs + i];
            y[at] = (float)sum;
        }
        return new([.. x.Dims[..^1], outputs], y);
    }
}
