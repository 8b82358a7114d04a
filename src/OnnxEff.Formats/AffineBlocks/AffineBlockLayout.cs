namespace OnnxEff.Formats;

/// <summary>The sizes of an <see cref="AffineBlocks"/>: a weight [N, K] whose rows are cut into blocks of 32 inputs, each with a scale and perhaps a minimum of its own.</summary>
/// <param name="Outputs">N.</param>
/// <param name="Inputs">K.</param>
/// <param name="Bits">Of a code: 4 or 8.</param>
/// <param name="HasMinima">True where a block has a minimum; without one, its codes count from the middle of their range.</param>
public sealed record AffineBlockLayout(int Outputs, int Inputs, int Bits, bool HasMinima)
{
    /// <summary>Inputs of a block.</summary>
    public const int BlockInputs = 32;

    /// <summary>Rows of a tile: as many as the widest register has words of 32 bits.</summary>
    public const int TileRows = 16;

    /// <summary>Bytes of the codes that one register takes in.</summary>
    public const int VectorBytes = 64;

    const int HalfBytes = 2;

    /// <summary>Tiles; rows of the last one may lie behind the last output.</summary>
    public int Tiles => (int)(((long)Outputs + TileRows - 1) / TileRows);

    /// <summary>Blocks of a row; inputs of the last one may lie behind the last input.</summary>
    public int Blocks => (int)(((long)Inputs + BlockInputs - 1) / BlockInputs);

    /// <summary>Bytes of a block's scales, and of its minima if it has some, in front of its codes.</summary>
    public int SideBytes => TileRows * HalfBytes * (HasMinima ? 2 : 1);

    /// <summary>Bytes of one block of a tile.</summary>
    public int UnitBytes => SideBytes + TileRows * BlockInputs * Bits / 8;

    /// <summary>The code of weight 0 where a block has no minimum.</summary>
    public int Zero => HasMinima ? 0 : 1 << (Bits - 1);

    /// <summary>First byte of a row's block.</summary>
    public int UnitOf(int row, int block) => checked((row / TileRows * Blocks + block) * UnitBytes);

    /// <summary>The layout whose blocks have so many bytes, or null: the four kinds differ in size.</summary>
    public static AffineBlockLayout? OfUnit(int outputs, int inputs, long unitBytes) =>
        All(outputs, inputs).FirstOrDefault(layout => layout.UnitBytes == unitBytes);

    /// <summary>The four kinds of a weight, the smallest first.</summary>
    public static IEnumerable<AffineBlockLayout> All(int outputs, int inputs) =>
        from bits in (int[])[4, 8] from hasMinima in (bool[])[false, true] select new AffineBlockLayout(outputs, inputs, bits, hasMinima);

    /// <summary>Why no weight has these sizes, or null when they are fine.</summary>
    public string? Refusal() => this switch
    {
        { Outputs: < 1 } or { Inputs: < 1 } => $"a layer of {Outputs} outputs and {Inputs} inputs holds nothing",
        _ when ((long)Outputs + TileRows) * ((long)Inputs + BlockInputs) > int.MaxValue => $"a layer of {Outputs} outputs and {Inputs} inputs has more than 2^31 - 1 weights, those that fill its tiles counted",
        _ => null,
    };

    /// <summary>
    /// Where a code lies in its block: a row has one word of 32 bits in each vector of 64 bytes, and a word holds 32 / bits inputs. Neighbours lie in the two
    /// halves of the word, so that one multiplication of 16-bit words with an added neighbour takes in both.
    /// </summary>
    /// <param name="row">Of the tile.</param>
    /// <param name="input">Of the block.</param>
    /// <returns>The byte behind the side data, and the code's first bit in it.</returns>
    public (int Byte, int Bit) PlaceOf(int row, int input)
    {
        int perWord = 32 / Bits, within = input % perWord, bit = within % 2 * 16 + within / 2 * Bits;
        return (input / perWord * VectorBytes + row * 4 + bit / 8, bit % 8);
    }
}
