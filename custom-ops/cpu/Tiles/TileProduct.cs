using OnnxEff.Ops;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>
/// The product for many tokens: some outputs of some columns are decoded into a tile that stays in the caches, and multiplied with panels of
/// tokens before the next.
/// </summary>
/// <typeparam name="TLanes">The vector width of the level.</typeparam>
static unsafe class TileProduct<TLanes> where TLanes : unmanaged, ILanes<TLanes>
{
    const int RowsAtOnce = 4;

    /// <summary>y[t][o] += Σ x[t][j] · W[o][j] over all columns.</summary>
    /// <param name="weight">W.</param>
    /// <param name="accuracyLevel">What may be rounded to bytes, see <see cref="AccuracyLevel"/>.</param>
    /// <param name="x">Activations [tokens, K].</param>
    /// <param name="y">Outputs [tokens, N].</param>
    /// <param name="size">Tokens, K and N.</param>
    /// <param name="parallel">Threads, or null.</param>
    public static void Add(IWeightTiles weight, int accuracyLevel, float* x, float* y, ProductSize size, ParallelFor? parallel)
    {
        ColumnBlock[] blocks = ColumnBlock.Of(weight);
        bool isBytes = accuracyLevel == AccuracyLevel.Bytes && BytePanels.Takes<TLanes>();
        bool isWords = accuracyLevel == AccuracyLevel.Bytes && !isBytes && WordPanels.Take;
        using var packed = new Scratch(isBytes ? BytePanels.PackedBytes(weight, blocks, size) : isWords ? WordPanels.PackedBytes(weight, blocks, size) : FloatPanels<TLanes>.PackedBytes(size));
        if (isBytes) AddPanels(weight, blocks, new BytePanels(weight, blocks, x, size, packed.Bytes, parallel), y, size, parallel);
        else if (isWords) AddPanels(weight, blocks, new WordPanels(weight, blocks, x, size, packed.Bytes, parallel), y, size, parallel);
        else AddPanels(weight, blocks, new FloatPanels<TLanes>(weight, x, size, packed.Bytes, parallel), y, size, parallel);
    }

    static void AddPanels(IWeightTiles weight, ColumnBlock[] blocks, ITokenPanels panels, float* y, ProductSize size, ParallelFor? parallel)
    {
        int width = panels.Width, panelCount = (size.Tokens + width - 1) / width, rows = (weight.Outputs + RowsAtOnce - 1) / RowsAtOnce * RowsAtOnce, floats = weight.Floats;
        nuint before = (nuint)floats + panels.PreparedFloats;
        Workers.Run(parallel, weight.Count, checked(before + (nuint)panelCount * (nuint)(rows * width)), (item, tile) =>
        {
            float* prepared = tile + floats, sums = tile + before;
            new Span<float>(tile, floats).Clear(); // Rows may reach behind the last output.
            foreach (ColumnBlock block in blocks)
            {
                weight.Decode(item, block.Run, block.From, block.To, tile);
                panels.Prepare(block, tile, prepared);
                for (int p = 0; p < panelCount; p++) panels.Multiply(block, tile, prepared, p, sums + (long)p * rows * width, add: block.Number > 0);
            }
            int first = item * weight.Outputs, outputs = Math.Min(weight.Outputs, size.Outputs - first);
            for (int t = 0; t < size.Tokens; t += TLanes.Count)
            {
                Transpose<TLanes>.LanesToRows(sums + (long)(t / width) * rows * width + t % width, width, rows, TLanes.Create(1), tile);
                for (int i = 0; i < Math.Min(TLanes.Count, size.Tokens - t); i++) AddRow(tile + i * rows, outputs, y + (long)(t + i) * size.Outputs + first);
            }
        });
    }

    static void AddRow(float* row, int count, float* target)
    {
        int i = 0;
        for (; i + TLanes.Count <= count; i += TLanes.Count) TLanes.Store(TLanes.Add(TLanes.Load(row + i), TLanes.Load(target + i)), target + i);
        for (; i < count; i++) target[i] += row[i];
    }
}
