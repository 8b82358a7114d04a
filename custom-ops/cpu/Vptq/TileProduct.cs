using System.Runtime.CompilerServices;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>Decodes some vectors of outputs: target[column][output] = centroid (+ residual).</summary>
/// <param name="columns">Whose.</param>
/// <param name="vector">The first vector.</param>
/// <param name="count">Number of vectors.</param>
/// <param name="first">The column that goes to the tile's first row.</param>
/// <param name="tile">Target.</param>
/// <param name="tileStride">Floats of a row of it; a vector's padding is overwritten by the next vector.</param>
unsafe struct DecodedTile<TLanes>(VectorColumns columns, int vector, int count, int first, float* tile, int tileStride) : IColumnWork
    where TLanes : unmanaged, ILanes<TLanes>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public void Run<TCodes, TStages>(int from, int to) where TCodes : ICodeReader where TStages : IStages
    {
        CodeWidth width = columns.Width;
        int shift = columns.StrideBits, stride = columns.Stride;
        for (int v = 0; v < count; v++)
            for (int part = 0; part < stride; part += TLanes.Count)
            {
                byte* row = columns.Row(vector + v);
                float* main = columns.Main + part, residual = columns.Residual + part;
                float* target = tile + (long)(from - first) * tileStride + v * columns.VectorLength + part;
                for (nint c = from; c < to; c++, target += tileStride)
                {
                    TLanes w = TLanes.Load(main + ((nint)TCodes.Main(row, c, width) << shift));
                    if (TStages.HasResidual) w = TLanes.Add(w, TLanes.Load(residual + ((nint)TCodes.Residual(row, c, width) << shift)));
                    TLanes.Store(w, target);
                }
            }
    }
}

/// <summary>
/// The product for many tokens: some outputs of some columns are decoded into a tile that stays in the caches, and multiplied with panels of
/// tokens before the next.
/// </summary>
/// <typeparam name="TLanes">The vector width of the level: that of panels.</typeparam>
/// <typeparam name="TVector">The vector width that a centroid has.</typeparam>
static unsafe class TileProduct<TLanes, TVector>
    where TLanes : unmanaged, ILanes<TLanes>
    where TVector : unmanaged, ILanes<TVector>
{
    const int OutputsPerTile = 64, ColumnsPerTile = 128; // 32 KiB of weights; beside them a panel's 128 columns are 24 KiB at the widest level.
    const int RowsAtOnce = 4;

    /// <summary>y[t][o] += Σ x[t][j] · Q[o][j] over all columns, which have vectors of one length.</summary>
    /// <param name="columns">Groups.</param>
    /// <param name="panels">Activations [ceil(tokens / width), K, width].</param>
    /// <param name="y">Outputs [tokens, N].</param>
    /// <param name="size">Tokens, K and N.</param>
    /// <param name="parallel">Threads, or null.</param>
    public static void Add(VectorColumns[] columns, float* panels, float* y, ProductSize size, ParallelFor? parallel)
    {
        int width = Panel<TLanes>.Width, length = columns[0].VectorLength, vectorsPerTile = Math.Max(1, OutputsPerTile / length);
        int quads = (vectorsPerTile * length + RowsAtOnce - 1) / RowsAtOnce, panelCount = (size.Tokens + width - 1) / width;
        int stride = RowsAtOnce * quads + PaddedCodebook.Stride(length); // The last vector's padding lies behind it.
        nuint tileFloats = (nuint)(ColumnsPerTile * stride), sumFloats = checked((nuint)panelCount * (nuint)(quads * RowsAtOnce * width));
        Workers.Run(parallel, (columns[0].Vectors + vectorsPerTile - 1) / vectorsPerTile, tileFloats + sumFloats, (item, tile) =>
        {
            int vector = item * vectorsPerTile, vectors = Math.Min(vectorsPerTile, columns[0].Vectors - vector);
            float* sums = tile + tileFloats;
            new Span<float>(tile, (int)tileFloats).Clear(); // A quad may reach behind the last vector.
            bool isFirst = true;
            foreach (VectorColumns group in columns)
                for (int c = 0; c < group.Count; c += ColumnsPerTile, isFirst = false)
                {
                    int end = Math.Min(group.Count, c + ColumnsPerTile);
                    var work = new DecodedTile<TVector>(group, vector, vectors, c, tile, stride);
                    group.Visit(ref work, c, end);
                    for (int p = 0; p < panelCount; p++)
                    {
                        float* b = panels + ((long)p * size.Inputs + group.First + c) * width;
                        for (int q = 0; q < quads; q++)
                        {
                            float* a = tile + q * RowsAtOnce;
                            Panel<TLanes>.Multiply(a, a + 1, a + 2, a + 3, stride, b, end - c, sums + ((long)p * quads + q) * RowsAtOnce * width, add: !isFirst);
                        }
                    }
                }
            int first = vector * length, outputs = Math.Min(vectors * length, size.Outputs - first);
            for (int t = 0; t < size.Tokens; t++)
            {
                float* target = y + (long)t * size.Outputs + first, from = sums + (long)(t / width) * quads * RowsAtOnce * width + t % width;
                for (int o = 0; o < outputs; o++) target[o] += from[o * width];
            }
        });
    }

    /// <summary>panels[t / width][j][t % width] = x[t][j]; tokens behind the last are zero.</summary>
    public static void Pack(float* x, float* panels, ProductSize size, ParallelFor? parallel)
    {
        int width = Panel<TLanes>.Width;
        Workers.Run(parallel, (size.Tokens + width - 1) / width, (nuint)(RowsAtOnce * size.Inputs), (panel, rows) =>
        {
            float* target = panels + (long)panel * size.Inputs * width;
            for (int t = 0; t < width; t += RowsAtOnce)
            {
                int first = panel * width + t, there = Math.Clamp(size.Tokens - first, 0, RowsAtOnce) * size.Inputs;
                new Span<float>(rows + there, RowsAtOnce * size.Inputs - there).Clear();
                new ReadOnlySpan<float>(x + (long)first * size.Inputs, there).CopyTo(new(rows, there));
                Transpose.RowsToLanes(rows, size.Inputs, target + t, width);
            }
        });
    }
}
