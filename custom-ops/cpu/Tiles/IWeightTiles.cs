namespace OnnxEff.CustomOps.Cpu;

/// <summary>A weight [N, K] that is decoded a tile at a time: some outputs of some columns.</summary>
unsafe interface IWeightTiles
{
    /// <summary>Most columns of a tile. With 64 outputs they are 32 KiB of weights; beside them a panel's columns are 24 KiB at the widest level.</summary>
    const int Columns = 128;

    /// <summary>Tiles along the outputs.</summary>
    int Count { get; }

    /// <summary>Outputs of a tile; those of the last one may lie behind N.</summary>
    int Outputs { get; }

    /// <summary>Floats from an output of a tile to the next.</summary>
    int OutputStep { get; }

    /// <summary>Floats from a column of a tile to the next.</summary>
    int ColumnStep { get; }

    /// <summary>Floats of a tile, with what lies behind its last output up to a multiple of four.</summary>
    int Floats { get; }

    /// <summary>Runs of columns that are decoded alike: the first one and how many.</summary>
    (int First, int Count)[] Runs { get; }

    /// <summary>Writes the tile's outputs of some columns.</summary>
    /// <param name="tile">Its number along the outputs.</param>
    /// <param name="run">Number of the run.</param>
    /// <param name="from">First column, counted from the run's first: a multiple of <see cref="Columns"/>.</param>
    /// <param name="to">The column behind the last.</param>
    /// <param name="target">The tile.</param>
    void Decode(int tile, int run, int from, int to, float* target);
}
