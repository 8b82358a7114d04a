namespace OnnxEff.Compression;

/// <summary>
/// What a stored form can hold of one block of columns for the 32 rows of a tile. Error propagation and coordinate descent say what the block should be;
/// this says what it becomes.
/// </summary>
abstract class TileRounding
{
    /// <summary>Chooses codes while later columns still make up for the error.</summary>
    /// <param name="tile">The tile.</param>
    /// <param name="block">The block, in the order of the work.</param>
    /// <param name="target">What it should be, [v, 32].</param>
    /// <param name="codes">32 bytes.</param>
    public abstract void ChooseAhead(int tile, int block, ReadOnlySpan<float> target, Span<byte> codes);

    /// <summary>Chooses codes with all other columns as they are.</summary>
    /// <inheritdoc cref="ChooseAhead"/>
    public virtual void ChooseAlone(int tile, int block, ReadOnlySpan<float> target, Span<byte> codes) => ChooseAhead(tile, block, target, codes);

    /// <summary>What codes mean, [v, 32].</summary>
    public abstract void Decode(int tile, int block, ReadOnlySpan<byte> codes, Span<float> values);
}
