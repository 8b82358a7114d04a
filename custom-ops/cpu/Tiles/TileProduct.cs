namespace OnnxEff.CustomOps.Cpu;

/// <summary>
/// The product for many tokens: some outputs of some columns are decoded into a tile that stays in the caches, and multiplied with panels of
/// tokens before the next.
/// </summary>
/// <typeparam name="TLanes">The vector width of the level: that of panels.</typeparam>
static unsafe class TileProduct<TLanes> where TLanes : unmanaged, ILanes<TLanes>
{
    const int RowsAtOnce = 4;

    /// <summary>y[t][o] += Σ x[t][j] · W[o][j] over all columns.</summary>
    /// <param name="weight">W.</param>
    /// <param name="x">Activations [tokens, K].</param>
    /// <param name="y">Outputs [tokens, N].</param>
    /// <param name="size">Tokens, K and N.</param>
    /// <param name="parallel">Threads, or null.</param>
    public static void Add(IWeightTiles weight, float* x, float* y, ProductSize size, ParallelFor? parallel)
    {
        int width = Panel<TLanes>.Width, panels = (size.Tokens + width - 1) / width;
        using var packed = new Scratch(checked((nuint)panels * (nuint)width * (nuint)size.Inputs * sizeof(float)));
        TokenPanels.Pack(x, (float*)packed.Bytes, width, size, parallel);
        AddPanels(weight, (float*)packed.Bytes, y, size, parallel);
    }

    // panels: [ceil(tokens / width), K, width]
    static void AddPanels(IWeightTiles weight, float* panels, float* y, ProductSize size, ParallelFor? parallel)
    {
        int width = Panel<TLanes>.Width, quads = (weight.Outputs + RowsAtOnce - 1) / RowsAtOnce, panelCount = (size.Tokens + width - 1) / width;
        (nint outputStep, nint columnStep) = (weight.OutputStep, weight.ColumnStep);
        (int First, int Count)[] runs = weight.Runs;
        nuint tileFloats = (nuint)weight.Floats, sumFloats = checked((nuint)panelCount * (nuint)(quads * RowsAtOnce * width));
        Workers.Run(parallel, weight.Count, tileFloats + sumFloats, (item, tile) =>
        {
            float* sums = tile + tileFloats;
            new Span<float>(tile, weight.Floats).Clear(); // A quad may reach behind the last output.
            bool isFirst = true;
            for (int run = 0; run < runs.Length; run++)
                for (int c = 0; c < runs[run].Count; c += IWeightTiles.Columns, isFirst = false)
                {
                    int end = Math.Min(runs[run].Count, c + IWeightTiles.Columns);
                    weight.Decode(item, run, c, end, tile);
                    for (int p = 0; p < panelCount; p++)
                    {
                        float* b = panels + ((long)p * size.Inputs + runs[run].First + c) * width;
                        int q = 0;
                        for (; Panel<TLanes>.TakesEight && q + 2 <= quads; q += 2)
                        {
                            float* a = tile + q * RowsAtOnce * outputStep;
                            Panel<TLanes>.MultiplyEight(a, a + RowsAtOnce * outputStep, outputStep, columnStep, b, end - c, sums + ((long)p * quads + q) * RowsAtOnce * width, add: !isFirst);
                        }
                        for (; q < quads; q++)
                        {
                            float* a = tile + q * RowsAtOnce * outputStep;
                            Panel<TLanes>.Multiply(a, a + outputStep, a + 2 * outputStep, a + 3 * outputStep, columnStep, b, end - c,
                                sums + ((long)p * quads + q) * RowsAtOnce * width, add: !isFirst);
                        }
                    }
                }
            int first = item * weight.Outputs, outputs = Math.Min(weight.Outputs, size.Outputs - first);
            for (int t = 0; t < size.Tokens; t++)
            {
                float* target = y + (long)t * size.Outputs + first, from = sums + (long)(t / width) * quads * RowsAtOnce * width + t % width;
                for (int o = 0; o < outputs; o++) target[o] += from[o * width];
            }
        });
    }
}
