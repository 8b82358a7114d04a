namespace OnnxEff.CustomOps.Cpu;

/// <summary>Columns of a weight that are decoded together.</summary>
/// <param name="Number">Its number among all of the weight.</param>
/// <param name="Run">The run that it is part of.</param>
/// <param name="From">First column, counted from the run's first.</param>
/// <param name="To">The column behind the last.</param>
/// <param name="First">First column, counted from the weight's first.</param>
readonly record struct ColumnBlock(int Number, int Run, int From, int To, int First)
{
    /// <summary>Columns.</summary>
    public int Count => To - From;

    /// <summary>All blocks of a weight, in their order.</summary>
    public static ColumnBlock[] Of(IWeightTiles weight)
    {
        var blocks = new List<ColumnBlock>();
        for (int run = 0; run < weight.Runs.Length; run++)
        {
            (int first, int count) = weight.Runs[run];
            for (int from = 0; from < count; from += IWeightTiles.Columns)
                blocks.Add(new(blocks.Count, run, from, Math.Min(count, from + IWeightTiles.Columns), first + from));
        }
        return [.. blocks];
    }
}

/// <summary>Activations as panels of tokens that lie side by side, and their products with decoded tiles.</summary>
unsafe interface ITokenPanels
{
    /// <summary>Tokens of a panel, a multiple of four.</summary>
    int Width { get; }

    /// <summary>Floats that <see cref="Prepare"/> writes.</summary>
    nuint PreparedFloats { get; }

    /// <summary>Makes a tile ready for its products with all panels.</summary>
    /// <param name="block">Its columns.</param>
    /// <param name="tile">What the weight decoded.</param>
    /// <param name="prepared">Target.</param>
    void Prepare(ColumnBlock block, float* tile, float* prepared);

    /// <summary>sums[o][t] = (add ? sums[o][t] : 0) + Σ W[o][j] · x[t][j] over the block's columns, for the tile's outputs and a panel's tokens.</summary>
    /// <param name="block">The columns.</param>
    /// <param name="tile">What the weight decoded.</param>
    /// <param name="prepared">What <see cref="Prepare"/> made of it.</param>
    /// <param name="panel">The panel.</param>
    /// <param name="sums">[outputs up to a multiple of four, Width]</param>
    /// <param name="add">Whether sums hold something.</param>
    void Multiply(ColumnBlock block, float* tile, float* prepared, int panel, float* sums, bool add);
}
