using OnnxEff.Formats;
using OnnxEff.Ops;

namespace OnnxEff.CustomOps.Cpu;

/// <summary><see cref="AffineGather"/> on the CPU.</summary>
public static unsafe class AffineGatherKernel
{
    const int RowsWorthThreads = 64;

    /// <summary>Decodes the rows that ids name.</summary>
    /// <param name="layout">Sizes.</param>
    /// <param name="indices">int32 or int64 ids, from -N to N - 1.</param>
    /// <param name="units">The table.</param>
    /// <param name="output">[ids, K]</param>
    /// <param name="parallel">The host's threads, or null to stay on this one.</param>
    /// <returns>The sentence about an id that names no row, or null.</returns>
    public static string? Run(AffineBlockLayout layout, TensorPointer indices, TensorPointer units, float* output, ParallelFor? parallel)
    {
        long count = indices.Dims!.Aggregate(1L, (a, b) => checked(a * b));
        var ids = new int[checked((int)count)];
        for (int i = 0; i < ids.Length; i++)
        {
            long id = indices.Kind == Ir.ElementType.Int64 ? ((long*)indices.Data)[i] : ((int*)indices.Data)[i];
            if (id < -layout.Outputs || id >= layout.Outputs) return $"indices holds {id}, which is no row of {layout.Outputs}.";
            ids[i] = (int)(id < 0 ? id + layout.Outputs : id);
        }
        Workers.Run(ids.Length < RowsWorthThreads ? null : parallel, ids.Length, i =>
            AffineBlocks.DecodeRow(layout, units.Span<byte>(), ids[i], new Span<float>(output + (long)i * layout.Inputs, layout.Inputs)));
        return null;
    }
}
