using OnnxEff.Ir;

namespace OnnxEff.Compression;

/// <summary>
/// The second moment S = Σ x·xᵀ of a product's inputs over the tokens of a text (compression-papers section 0), and where a second run of the model is
/// compared the cross moment Σ x·yᵀ with what the same input y is there. A window's part comes in fp32 and is added up in fp64.
/// </summary>
/// <param name="Size">K.</param>
public sealed record InputMoment(int Size)
{
    readonly double[] _second = new double[Size * Size]; // The lower triangle of it.
    double[]? _cross;

    /// <summary>Tokens so far.</summary>
    public long Tokens { get; private set; }

    /// <summary>S / tokens, [K, K].</summary>
    public float[] Second()
    {
        var mean = new float[Size * Size];
        for (var i = 0; i < Size; i++)
            for (var j = 0; j <= i; j++) mean[i * Size + j] = mean[j * Size + i] = (float)(_second[i * Size + j] / Tokens);
        return mean;
    }

    /// <summary>The cross moment / tokens, [K, K]; null where no second run was compared.</summary>
    public float[]? Cross() => _cross is null ? null : Array.ConvertAll(_cross, sum => (float)(sum / Tokens));

    /// <summary>Adds a window.</summary>
    /// <param name="input">The tapped value's name, for a refusal.</param>
    /// <param name="tokens">Its tokens.</param>
    /// <param name="second">Its part of S, [K, K] in fp32.</param>
    /// <param name="cross">Its part of the cross moment, or null.</param>
    /// <exception cref="InvalidDataException">The part is not finite.</exception>
    public void Add(string input, int tokens, Tensor second, Tensor? cross)
    {
        var diagonal = second.As<float>();
        for (var i = 0; i < Size; i++)
            if (!float.IsFinite(diagonal[i * Size + i]))
                throw new InvalidDataException($"On the calibration text, number {i} of '{input}' is not finite or too large to square, so what reads it cannot be quantised.");
        Tokens += tokens;
        if (cross is not null) _cross ??= new double[Size * Size];
        Workers.For(0, Size, row =>
        {
            Add(second.As<float>().Slice(row * Size, row + 1), _second.AsSpan(row * Size));
            if (cross is not null) Add(cross.As<float>().Slice(row * Size, Size), _cross.AsSpan(row * Size));
        });
    }

    static void Add(ReadOnlySpan<float> part, Span<double> sum)
    {
        for (var i = 0; i < part.Length; i++) sum[i] += part[i];
    }
}
