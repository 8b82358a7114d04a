using OnnxEff.Ir;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>A codebook in fp32, each centroid filled up with zeros to a size of a register.</summary>
/// <remarks>Against the weight's codes it is small: filling it at every call costs less than reading halves at every code would.</remarks>
static unsafe class PaddedCodebook
{
    /// <summary>Floats of a filled-up centroid of length v ≤ 16: 4, 8 or 16.</summary>
    public static int Stride(int v) => v <= 4 ? 4 : v <= 8 ? 8 : 16;

    /// <summary>Floats that <see cref="Expand"/> wants.</summary>
    public static nuint ScratchFloats(TensorPointer codebook) => codebook.Dims is [.. var centroids, var v]
        ? checked((nuint)(centroids.Aggregate(1L, (a, b) => checked(a * b)) * Stride((int)v))) : 0;

    /// <summary>The filled-up centroids: the codebook itself where it needs nothing, else the scratch; null of an absent one.</summary>
    public static float* Expand<TLanes>(TensorPointer codebook, float* scratch) where TLanes : unmanaged, ILanes<TLanes>
    {
        if (codebook.Dims is not [.. var sizes, var length]) return null;
        long count = sizes.Aggregate(1L, (a, b) => a * b);
        (int v, int stride) = ((int)length, Stride((int)length));
        if (codebook.Kind == ElementType.Float32 && v == stride) return (float*)codebook.Data;
        // Widened to the end of the scratch, then spread from the front: a centroid's place never lies behind where it comes from.
        float* from = scratch + count * (stride - v);
        if (codebook.Kind == ElementType.Float32) Buffer.MemoryCopy(codebook.Data, from, count * v * sizeof(float), count * v * sizeof(float));
        else HalfCodec.Expand<TLanes>((Half*)codebook.Data, count * v, from);
        if (v == stride) return scratch;
        for (float* to = scratch; count > 0; count--, from += v, to += stride)
        {
            new ReadOnlySpan<float>(from, v).CopyTo(new(to, v));
            new Span<float>(to + v, stride - v).Clear();
        }
        return scratch;
    }
}
