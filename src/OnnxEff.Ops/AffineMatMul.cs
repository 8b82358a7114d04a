using OnnxEff.Formats;
using OnnxEff.Ir;
using static OnnxEff.Ops.Sizes;

namespace OnnxEff.Ops;

/// <summary>The product with a weight of affine blocks (<see cref="AffineBlocks"/>).</summary>
public static class AffineMatMul
{
    /// <summary>How the bytes of such a weight are read, of both operators that take one.</summary>
    internal const string Units =
        "Row o is row r = o mod 16 of tile o div 16. A block is 16 fp16 scales, 16 fp16 minima if it has some, and codes of 4 or 8 bits: 288, 320, 544 or 576 bytes, which tells its kind. " +
        "W[o, i] = scale · code + minimum, or scale · (code - 2^(bits-1)) without minima. Input i of a block has bits (i mod 2)·16 + ((i mod p) div 2)·bits of row r's little-endian word of 32 bits, " +
        "the r-th of the (i div p)-th 64 bytes of codes, with p = 32 / bits.";

    /// <summary>The declaration.</summary>
    public static OperatorSchema Schema { get; } = new("AffineMatMul", Since: 1,
        "input · Wᵀ + bias for a weight W [N, K] on a grid for each block of 32 inputs. " + Units +
        " Up to 16 rows of input are rounded to 16 bits for each block of 32, which puts an output about 1e-5 of its size off; more are multiplied as exactly as accuracy_level says. A block of input that is not finite makes NaN.")
    {
        Types = [new("T", ElementType.Float32), new("B", ElementType.UInt8)],
        Inputs =
        [
            new("input", "T", "..., K", "Activations."),
            new("weight", "B", "ceil(N/16), ceil(K/32), unit", "Tiles of 16 rows, and in a tile one block of inputs after the other."),
            new("bias", "T", "N", "Added to the product.", Optional: true),
        ],
        Outputs = [new("output", "T", "..., N", "input · Wᵀ + bias.")],
        Attributes = [new("K", ElementType.Int64, null, "Inputs of the layer."), new("N", ElementType.Int64, null, "Outputs of the layer."), AccuracyLevel.Schema],
    };

    /// <summary>The layout that the sizes of a call's tensors mean, after every check.</summary>
    /// <param name="inputs">The attribute K.</param>
    /// <param name="outputs">The attribute N.</param>
    /// <param name="input">Sizes of <c>input</c>.</param>
    /// <param name="weight">Sizes of <c>weight</c>.</param>
    /// <param name="bias">Sizes of <c>bias</c>, or null.</param>
    /// <param name="refusal">Why they mean nothing, null on success.</param>
    public static AffineBlockLayout? Layout(int inputs, int outputs, long[] input, long[] weight, long[]? bias, out string? refusal)
    {
        AffineBlockLayout? layout = WeightLayout(inputs, outputs, weight, out refusal);
        refusal ??= Refuse("input", input, [.. input is [.. var head, _] ? head : [], inputs]) ?? Refuse("bias", bias, [outputs]);
        return refusal is null ? layout : null;
    }

    /// <summary>The layout of a weight alone.</summary>
    internal static AffineBlockLayout? WeightLayout(int inputs, int outputs, long[] weight, out string? refusal)
    {
        AffineBlockLayout? layout = weight is [_, _, var unit] ? AffineBlockLayout.OfUnit(outputs, inputs, unit) : null;
        refusal = layout is null ? $"weight is {Text(weight)}, not [ceil(N/16), ceil(K/32), unit] with a unit of 288, 320, 544 or 576 bytes."
            : layout.Refusal() is { } sizes ? $"{sizes}." : Refuse("weight", weight, [layout.Tiles, layout.Blocks, layout.UnitBytes]);
        return refusal is null ? layout : null;
    }

    /// <summary>Computes the operator from the dense weight, in double: the oracle of every kernel.</summary>
    /// <param name="weight">W.</param>
    /// <param name="bias">[N], or null.</param>
    /// <param name="input">x [..., K]</param>
    /// <returns>y [..., N]</returns>
    public static Dense<float> Reference(AffineBlocks weight, float[]? bias, Dense<float> input) =>
        Dense.Product(input, weight.Decode(), weight.Layout.Outputs, weight.Layout.Inputs, bias);
}
