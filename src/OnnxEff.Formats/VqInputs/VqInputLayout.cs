namespace OnnxEff.Formats;

/// <summary>
/// The sizes of a <see cref="VqInputCodes"/>: a weight [N, K] whose rows are cut into vectors of v stored columns, each stored as the index of one of k centroids.
/// </summary>
/// <param name="Outputs">N.</param>
/// <param name="Inputs">K.</param>
/// <param name="VectorLength">v: 2 or 4.</param>
/// <param name="Centroids">k: 16, 64 or 256.</param>
public sealed record VqInputLayout(int Outputs, int Inputs, int VectorLength, int Centroids)
{
    /// <summary>Rows of a tile: the bytes of the widest register.</summary>
    public const int TileRows = 64;

    /// <summary>b: bits of a code.</summary>
    public int CodeBits => Centroids switch { 16 => 4, 64 => 6, _ => 8 };

    /// <summary>G: vectors of a row; components of the last one may lie behind the last input.</summary>
    public int Groups => (int)(((long)Inputs + VectorLength - 1) / VectorLength);

    /// <summary>Tiles; rows of the last one may lie behind the last output.</summary>
    public int Tiles => (int)(((long)Outputs + TileRows - 1) / TileRows);

    /// <summary>Groups of a unit: with 4 bits as many as fill a line of a cache with 32 rows, else one.</summary>
    public int UnitGroups => Centroids == 16 ? 4 : 1;

    /// <summary>Units of a tile; groups of the last one may lie behind the last group.</summary>
    public int Units => (Groups + UnitGroups - 1) / UnitGroups;

    /// <summary>Groups of a tile, with those that fill its last unit.</summary>
    public int StoredGroups => Units * UnitGroups;

    /// <summary>Bytes of a tile's codes of one unit.</summary>
    public int UnitBytes => TileRows / 8 * CodeBits * UnitGroups;

    /// <summary>Why no weight has these sizes, or null when they are fine.</summary>
    public string? Refusal() => this switch
    {
        { Outputs: < 1 } or { Inputs: < 1 } => $"a layer of {Outputs} outputs and {Inputs} inputs holds nothing",
        { VectorLength: not (2 or 4) } => $"vectors along the inputs have length 2 or 4, not {VectorLength}",
        { Centroids: not (16 or 64 or 256) } => $"a codebook of vectors along the inputs has 16, 64 or 256 centroids, not {Centroids}",
        _ when ((long)Outputs + TileRows) * ((long)Inputs + VectorLength) > int.MaxValue => $"a layer of {Outputs} outputs and {Inputs} inputs has more than 2^31 - 1 weights, those that fill its tiles counted",
        _ => null,
    };

    /// <summary>Where a tile's row stands among the codes of a group: even places hold the first half of the rows, odd ones the second.</summary>
    /// <remarks>Kernels add bytes up in 16-bit lanes, of even and of odd places apart: so each of their sums is of neighbouring rows.</remarks>
    public static int PlaceOf(int row) => 2 * (row % (TileRows / 2)) + row / (TileRows / 2);
}
