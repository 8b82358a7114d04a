using OnnxEff.Ir;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>Activations in the order in which a weight's columns are stored.</summary>
static unsafe class StoredColumns<TLanes> where TLanes : unmanaged, ILanes<TLanes>
{
    /// <summary>target[j] = row[i] · scale[i] with i = permutation[j].</summary>
    /// <param name="row">Activations [K].</param>
    /// <param name="scale">[K], or null for ones.</param>
    /// <param name="permutation">int32 or uint16 [K], or absent.</param>
    /// <param name="count">K.</param>
    /// <param name="target">[K]</param>
    /// <param name="scratch">[K]</param>
    public static void Write(float* row, float* scale, TensorPointer permutation, int count, float* target, float* scratch)
    {
        if (scale != null) row = Scaled(row, scale, count, permutation.Dims is null ? target : scratch);
        if (permutation.Dims is null) { if (row != target) new ReadOnlySpan<float>(row, count).CopyTo(new(target, count)); }
        else if (permutation.Kind == ElementType.UInt16) for (int j = 0; j < count; j++) target[j] = row[((ushort*)permutation.Data)[j]];
        else for (int j = 0; j < count; j++) target[j] = row[((int*)permutation.Data)[j]];
    }

    static float* Scaled(float* row, float* scale, int count, float* target)
    {
        int i = 0;
        for (; i + TLanes.Count <= count; i += TLanes.Count) TLanes.Store(TLanes.Multiply(TLanes.Load(row + i), TLanes.Load(scale + i)), target + i);
        for (; i < count; i++) target[i] = row[i] * scale[i];
        return target;
    }
}
