using OnnxEff.Formats;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>A weight of affine blocks as tiles of 64 outputs: [column][output].</summary>
/// <param name="layout">Sizes.</param>
/// <param name="units">The weight.</param>
sealed unsafe class AffineTiles<TLanes, TWords, TBits>(AffineBlockLayout layout, byte* units) : IWeightTiles
    where TLanes : unmanaged, ILanes<TLanes>
    where TWords : unmanaged, IWordLanes<TWords, TLanes>
    where TBits : ICodeBits
{
    const int StoredTiles = 4, Rows = AffineBlockLayout.TileRows, BlockInputs = AffineBlockLayout.BlockInputs;

    /// <inheritdoc/>
    public int Count => (layout.Tiles + StoredTiles - 1) / StoredTiles;

    /// <inheritdoc/>
    public int Outputs => StoredTiles * Rows;

    /// <inheritdoc/>
    public int OutputStep => 1;

    /// <inheritdoc/>
    public int ColumnStep => Outputs;

    /// <inheritdoc/>
    public int Floats => IWeightTiles.Columns * Outputs;

    /// <inheritdoc/>
    public (int First, int Count)[] Runs => [(0, layout.Inputs)];

    /// <inheritdoc/>
    public void Decode(int tile, int run, int from, int to, float* target)
    {
        for (int stored = tile * StoredTiles; stored < Math.Min((tile + 1) * StoredTiles, layout.Tiles); stored++, target += Rows)
            for (int column = from; column < to; column += BlockInputs)
                DecodeBlock(units + ((nint)stored * layout.Blocks + column / BlockInputs) * layout.UnitBytes, Math.Min(BlockInputs, to - column), target + (column - from) * ColumnStep);
    }

    void DecodeBlock(byte* unit, int columns, float* target)
    {
        TWords mask = TWords.Create(TBits.Count == 4 ? 0x000F000F : 0x00FF00FF);
        TLanes zero = TLanes.Create(layout.Zero);
        for (int row = 0; row < Rows; row += TLanes.Count)
        {
            ushort* side = (ushort*)unit + row;
            TLanes scale = TLanes.LoadHalf(side), minimum = layout.HasMinima ? TLanes.LoadHalf(side + Rows) : default;
            byte* codes = unit + layout.SideBytes + 4 * row;
            for (int i = 0; i < columns; i++)
            {
                int perWord = 32 / TBits.Count, within = i % perWord;
                TWords words = TWords.Load(codes + i / perWord * AffineBlockLayout.VectorBytes);
                TLanes code = TWords.Half(TWords.Fields(words, within / 2 * TBits.Count, mask), upper: within % 2 == 1);
                TLanes.Store(TLanes.Add(TLanes.Multiply(scale, TLanes.Subtract(code, zero)), minimum), target + i * ColumnStep + row);
            }
        }
    }
}
