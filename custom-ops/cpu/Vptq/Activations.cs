using OnnxEff.Ir;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>The side of the activations: x ⊙ scale in the stored order of columns, and what outputs begin with.</summary>
static unsafe class Activations<TLanes, TCodec, TStored>
    where TLanes : unmanaged, ILanes<TLanes>
    where TCodec : ICodec<TStored>
    where TStored : unmanaged
{
    /// <summary>columns[t][j] = x[t][i] · scale[i] with i = permutation[j]; y[t][o] = Σᵢ x[t][i] · offset[i] + bias[o].</summary>
    /// <param name="tensors">Scale, offset, permutation and bias, as far as they are there.</param>
    /// <param name="x">Activations [tokens, K].</param>
    /// <param name="columns">[tokens, K]</param>
    /// <param name="y">[tokens, N]</param>
    /// <param name="size">Tokens, K and N.</param>
    /// <param name="parallel">Threads, or null.</param>
    public static void Write(VptqTensors tensors, TStored* x, float* columns, float* y, ProductSize size, ParallelFor? parallel)
    {
        (int k, int n) = (size.Inputs, size.Outputs);
        using var side = new Scratch(checked((nuint)(2L * k + n) * sizeof(float)));
        var buffer = (float*)side.Bytes;
        float* scale = Floats(tensors.Scale, k, buffer), offset = Floats(tensors.Offset, k, buffer + k), bias = Floats(tensors.Bias, n, buffer + 2L * k);
        Workers.Run(parallel, size.Tokens, 2 * (nuint)k, (t, scratch) =>
        {
            float* row = TCodec.Expand<TLanes>(x + (long)t * k, k, scratch), target = columns + (long)t * k, begin = y + (long)t * n;
            float shift = offset == null ? 0 : LaneMath<TLanes>.Dot(row, offset, k);
            if (bias == null) new Span<float>(begin, n).Fill(shift);
            else for (int o = 0; o < n; o++) begin[o] = shift + bias[o];
            StoredColumns<TLanes>.Write(row, scale, tensors.Permutation, k, target, scratch + k);
        });
    }

    static float* Floats(TensorPointer tensor, int count, float* buffer) => tensor.Dims is null ? null
        : tensor.Kind == ElementType.Float32 ? (float*)tensor.Data : HalfCodec.Expand<TLanes>((Half*)tensor.Data, count, buffer);
}
