namespace OnnxEff.CustomOps.Cpu;

/// <summary>Activations with some tokens side by side, as products with several tokens at once read them.</summary>
static unsafe class TokenPanels
{
    const int RowsAtOnce = 4; // Lanes of a V128: a width need not be a multiple of more.

    /// <summary>panels[t / width][j][t % width] = x[t][j]; tokens behind the last are zero.</summary>
    /// <param name="x">Activations [tokens, K].</param>
    /// <param name="panels">Target [ceil(tokens / width), K, width].</param>
    /// <param name="width">Tokens of a panel, a multiple of four.</param>
    /// <param name="size">Tokens and K.</param>
    /// <param name="parallel">Threads, or null.</param>
    public static void Pack(float* x, float* panels, int width, ProductSize size, ParallelFor? parallel) =>
        Workers.Run(parallel, (size.Tokens + width - 1) / width, (nuint)(RowsAtOnce * size.Inputs), (panel, padded) =>
        {
            float* target = panels + (long)panel * size.Inputs * width;
            for (int t = 0; t < width; t += RowsAtOnce)
            {
                int first = panel * width + t, all = RowsAtOnce * size.Inputs, there = Math.Clamp(size.Tokens - first, 0, RowsAtOnce) * size.Inputs;
                float* rows = x + (long)first * size.Inputs;
                if (there < all)
                {
                    new ReadOnlySpan<float>(rows, there).CopyTo(new(padded, there));
                    new Span<float>(padded + there, all - there).Clear();
                    rows = padded;
                }
                Transpose<V128>.RowsToLanes(rows, size.Inputs, target + t, width);
            }
        });
}
