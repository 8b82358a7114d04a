namespace OnnxEff.Compression;

/// <summary>
/// The second moment S = Σ x·xᵀ of a product's inputs over the tokens of a text (compression-papers section 0), and where a second run of the model is
/// compared the cross moment Σ x·yᵀ with what the same input y is there. A window's part comes in fp32 and is added up in fp64.
/// </summary>
/// <param name="Size">K.</param>
public sealed record InputMoment(int Size)
{
    readonly double[] _second = new double[Size * Size];
    double[]? _cross;

    /// <summary>Tokens so far.</summary>
    public long Tokens { get; private set; }

    /// <summary>S / tokens, [K, K].</summary>
    public float[] Second => Mean(_second);

    /// <summary>The cross moment / tokens, [K, K]; null where no second run was compared.</summary>
    public float[]? Cross => _cross is null ? null : Mean(_cross);

    /// <summary>Adds a window.</summary>
    /// <param name="input">The tapped value's name, for a refusal.</param>
    /// <param name="tokens">Its tokens.</param>
    /// <param name="second">Its part of S.</param>
    /// <param name="cross">Its part of the cross moment, or null.</param>
    /// <exception cref="InvalidDataException">The part is not finite.</exception>
    public void Add(string input, int tokens, ReadOnlySpan<float> second, ReadOnlySpan<float> cross)
    {
        for (var i = 0; i < Size; i++)
            if (!float.IsFinite(second[i * Size + i]))
                throw new InvalidDataException($"On the calibration text, number {i} of '{input}' is not finite or too large to square, so what reads it cannot be quantised.");
        Tokens += tokens;
        for (var i = 0; i < _second.Length; i++) _second[i] += second[i];
        if (cross.IsEmpty) return;
        _cross ??= new double[Size * Size];
        for (var i = 0; i < _cross.Length; i++) _cross[i] += cross[i];
    }

    float[] Mean(double[] sum)
    {
        var mean = new float[sum.Length];
        for (var i = 0; i < sum.Length; i++) mean[i] = (float)(sum[i] / Tokens);
        return mean;
    }
}
