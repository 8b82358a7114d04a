using System.Diagnostics.CodeAnalysis;
using OnnxEff.CustomOps.Cpu;

namespace OnnxEff.CustomOps.Native;

/// <summary>A product of activations, the first input, with a stored weight, all others: what is the same in every call is checked in the first one only.</summary>
/// <typeparam name="TTensors">The inputs by name.</typeparam>
/// <typeparam name="TWeight">What the weight says once for all calls.</typeparam>
/// <param name="info">Attributes.</param>
/// <param name="inputs">Inputs of the operator.</param>
abstract unsafe class StoredProductNode<TTensors, TWeight>(KernelInfo info, int inputs) : NodeKernel where TWeight : class
{
    readonly int columns = info.Int("K"), outputs = info.Int("N");
    readonly WeightInputs weights = new(info, inputs);

    TWeight? _checked; // Of a weight that is the same in every call.

    /// <summary>What the kernel may round.</summary>
    protected int AccuracyLevel { get; } = LevelOf(info);

    /// <summary>Gives the inputs their names.</summary>
    protected abstract TTensors Named(TensorPointer[] inputs);

    /// <summary>The weight after every check; null with the reason where the inputs mean nothing.</summary>
    protected abstract TWeight? Check(TTensors tensors, int columns, int outputs, out string? refusal);

    /// <summary>Computes a call whose inputs are as they must be.</summary>
    protected abstract void Run(TWeight weight, TTensors tensors, void* output, ParallelFor parallel);

    /// <inheritdoc/>
    public sealed override void Compute(KernelContext context)
    {
        TensorPointer[] inputs = weights.Of(context, out bool areConstant);
        long[]? sizes = inputs[0].Dims;
        TTensors tensors = Named(inputs);
        if (!IsChecked(sizes, out TWeight? weight))
        {
            weight = Check(tensors, columns, outputs, out string? refusal) ?? throw new OrtException(refusal!);
            if (areConstant) _checked = weight;
        }
        Run(weight, tensors, context.Output(0, [.. sizes![..^1], outputs]), context.ParallelFor);
    }

    static int LevelOf(KernelInfo info)
    {
        int level = info.Int(Ops.AccuracyLevel.Name);
        return Ops.AccuracyLevel.Refuse(level) is { } refusal ? throw new OrtException(refusal) : level;
    }

    bool IsChecked(long[]? sizes, [NotNullWhen(true)] out TWeight? weight)
    {
        weight = sizes is [.., var width] && width == columns ? _checked : null;
        return weight is not null;
    }
}
