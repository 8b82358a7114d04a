using OnnxEff.Formats;
using OnnxEff.Ir;

namespace OnnxEff.Compression;

/// <summary>A product x·w with a constant matrix.</summary>
/// <param name="Node">The MatMul.</param>
/// <param name="Weight">The matrix.</param>
/// <param name="IsByOutputs">True if it is stored as [N, K], so that a Transpose stands between it and the product.</param>
public sealed record ConstantLinear(Node Node, Value Weight, bool IsByOutputs)
{
    /// <summary>N.</summary>
    public int Outputs { get; } = (int)Weight.Constant!.Dims[IsByOutputs ? 0 : 1];

    /// <summary>K.</summary>
    public int Inputs { get; } = (int)Weight.Constant!.Dims[IsByOutputs ? 1 : 0];

    /// <summary>x.</summary>
    public Value Input => Node.Inputs[0]!;

    /// <summary>The node's name in the file, or what it computes where that is empty.</summary>
    public string Name => Node.Name.Length > 0 ? Node.Name : Node.Result.Name;

    /// <summary>The weight as [N, K], row-major, in fp32.</summary>
    /// <exception cref="InvalidDataException">A weight is not finite.</exception>
    public float[] Read()
    {
        var stored = VptqCodes.Floats(Weight.Constant!);
        var bad = Array.FindIndex(stored, w => !float.IsFinite(w));
        if (bad >= 0) throw new InvalidDataException($"Number {bad} of the weight '{Weight.Name}' is not finite, so it cannot be quantised.");
        if (IsByOutputs) return stored;
        var (rows, columns) = (Outputs, Inputs);
        var weight = new float[stored.Length];
        for (var k = 0; k < columns; k++)
            for (var n = 0; n < rows; n++) weight[n * columns + k] = stored[k * rows + n];
        return weight;
    }

    /// <summary>A weight [N, K] as this product's node reads it.</summary>
    public Tensor Write(float[] weight)
    {
        var stored = weight;
        if (!IsByOutputs)
        {
            stored = new float[weight.Length];
            for (var n = 0; n < Outputs; n++)
                for (var k = 0; k < Inputs; k++) stored[k * Outputs + n] = weight[n * Inputs + k];
        }
        return Weight.Constant!.Element == ElementType.Float16
            ? Tensor.Create<Half>(Weight.Constant.Dims, Array.ConvertAll(stored, w => (Half)w))
            : Tensor.Create<float>(Weight.Constant.Dims, stored);
    }
}

/// <summary>Products that read one value: they share the second moment of it, and with it everything that is by inputs.</summary>
/// <param name="Input">The value.</param>
/// <param name="Linears">The products.</param>
public sealed record LinearSite(Value Input, IReadOnlyList<ConstantLinear> Linears)
{
    /// <summary>K.</summary>
    public int Inputs => Linears[0].Inputs;

    /// <summary>Rows of all of them.</summary>
    public int Outputs => Linears.Sum(linear => linear.Outputs);

    /// <summary>Weights of all of them.</summary>
    public long Weights => (long)Inputs * Outputs;
}
