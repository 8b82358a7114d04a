using OnnxEff.Formats;
using OnnxEff.Ops;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>The tensors of one <see cref="VptqMatMul"/> call as the caller holds them.</summary>
public sealed class VptqTensors
{
    /// <summary>input</summary>
    public required TensorPointer Input { get; init; }

    /// <summary>codes</summary>
    public required TensorPointer Codes { get; init; }

    /// <summary>codebook</summary>
    public required TensorPointer Codebook { get; init; }

    /// <summary>residual_codebook</summary>
    public TensorPointer ResidualCodebook { get; init; }

    /// <summary>outlier_codes</summary>
    public TensorPointer OutlierCodes { get; init; }

    /// <summary>outlier_codebook</summary>
    public TensorPointer OutlierCodebook { get; init; }

    /// <summary>permutation</summary>
    public TensorPointer Permutation { get; init; }

    /// <summary>scale</summary>
    public TensorPointer Scale { get; init; }

    /// <summary>offset</summary>
    public TensorPointer Offset { get; init; }

    /// <summary>bias</summary>
    public TensorPointer Bias { get; init; }

    /// <summary>Rows of the input: the product of all its sizes but the last.</summary>
    public int Rows => Input.Rows;

    /// <summary>
    /// Derives and checks everything that can be wrong with the inputs, so that the kernel needs no check. A code cannot be wrong: it has as
    /// many bits as its codebooks' sizes, powers of two, have indices.
    /// </summary>
    /// <param name="inputs">The attribute K.</param>
    /// <param name="outputs">The attribute N.</param>
    /// <param name="refusal">Why the inputs cannot be computed, null on success.</param>
    public VptqWeight? Check(int inputs, int outputs, out string? refusal)
    {
        VptqLayout? layout = VptqMatMul.Layout(inputs, outputs, new(Input.Dims!, Codes.Dims!, Codebook.Dims!)
        {
            ResidualCodebook = ResidualCodebook.Dims,
            OutlierCodes = OutlierCodes.Dims,
            OutlierCodebook = OutlierCodebook.Dims,
            Permutation = Permutation.Dims,
            Scale = Scale.Dims,
            Offset = Offset.Dims,
            Bias = Bias.Dims,
        }, out refusal);
        if (layout is null) return null;
        ReadOnlySpan<ushort> outliers = OutlierCodes.Span<ushort>();
        if (!outliers.IsEmpty && outliers.IndexOfAnyExceptInRange((ushort)0, (ushort)(layout.OutlierCentroids - 1)) is >= 0 and var outlier)
            refusal = $"outlier_codes holds {outliers[outlier]}, which is outside of a codebook of {layout.OutlierCentroids}.";
        ReadOnlySpan<int> permutation = Permutation.Span<int>();
        if (permutation.IndexOfAnyExceptInRange(0, inputs - 1) is >= 0 and var column)
            refusal = $"permutation holds {permutation[column]}, which is no input of {inputs}.";
        return refusal is null ? new(layout) : null;
    }
}
