namespace OnnxEff.CustomOps.Cpu;

/// <summary>
/// Where panels of rounded tokens and the tiles that meet them keep their columns: every block is padded with zeros to whole units, and a group of columns that the processor
/// multiplies at once is one int.
/// </summary>
sealed unsafe class RoundedColumns
{
    readonly IWeightTiles _weight;
    readonly int[] _before;
    readonly int _unit;

    /// <summary>Lays columns out.</summary>
    /// <param name="weight">The weight.</param>
    /// <param name="blocks">Its blocks.</param>
    /// <param name="lanes">Outputs that are rounded side by side where a tile has them so.</param>
    /// <param name="group">Columns of an int.</param>
    /// <param name="unit">Columns of a unit: whole groups.</param>
    public RoundedColumns(IWeightTiles weight, ColumnBlock[] blocks, int lanes, int group, int unit)
    {
        (_weight, _unit, AreRows) = (weight, unit, weight.ColumnStep == 1);
        Outputs = (weight.Outputs + lanes - 1) / lanes * lanes;
        Steps = AreRows ? (IWeightTiles.Columns / group, 1) : ((nint)1, Outputs);
        PreparedFloats = (nuint)(Outputs + Outputs * (IWeightTiles.Columns / group));
        _before = new int[blocks.Length];
        for (int b = 0; b < blocks.Length; All += Padded(blocks[b]), b++) _before[b] = All;
    }

    /// <summary>Columns of all blocks.</summary>
    public int All { get; }

    /// <summary>Outputs of a tile, up to whole lanes.</summary>
    public int Outputs { get; }

    /// <summary>True when an output's columns are neighbours, in a tile and as groups.</summary>
    public bool AreRows { get; }

    /// <summary>Ints from an output's groups to the next's, and from a group to the next.</summary>
    public (nint Output, nint Group) Steps { get; }

    /// <summary>Floats of a rounded tile: the steps of its outputs, then the groups.</summary>
    public nuint PreparedFloats { get; }

    /// <summary>Columns of a block.</summary>
    public int Padded(ColumnBlock block) => (block.Count + _unit - 1) / _unit * _unit;

    /// <summary>Columns of a panel before a block.</summary>
    public int Before(ColumnBlock block) => _before[block.Number];

    /// <summary>Copies a token's columns of a block; a token behind the last has zeros.</summary>
    public void Copy(ColumnBlock block, float* x, ProductSize size, int token, float* columns)
    {
        new Span<float>(columns, Padded(block)).Clear();
        if (token < size.Tokens) new ReadOnlySpan<float>(x + (long)token * size.Inputs + block.First, block.Count).CopyTo(new(columns, block.Count));
    }

    /// <summary>Clears the columns of a tile that the block is padded with.</summary>
    public void Pad(ColumnBlock block, float* tile)
    {
        for (int column = block.Count; column < Padded(block); column++)
            for (int o = 0; o < _weight.Outputs; o++) tile[o * _weight.OutputStep + column * _weight.ColumnStep] = 0;
    }
}
