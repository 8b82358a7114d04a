namespace OnnxEff.Formats;

/// <summary>
/// Indices of n bits each in a row of 32-bit words: bit t of index c is bit c·n + t of the row, counted from the least significant bit of
/// the first word. The rest of the last word is zero.
/// </summary>
public static class PackedIndices
{
    /// <summary>Index number <paramref name="column"/> of a row.</summary>
    /// <param name="row">The row's words.</param>
    /// <param name="column">c.</param>
    /// <param name="bits">n, 1 to 32.</param>
    public static uint Read(ReadOnlySpan<int> row, int column, int bits)
    {
        var at = (long)column * bits;
        var (word, shift) = ((int)(at / 32), (int)(at % 32));
        ulong pair = (uint)row[word];
        if (shift + bits > 32) pair |= (ulong)(uint)row[word + 1] << 32;
        return (uint)((pair >> shift) & ((1ul << bits) - 1));
    }

    /// <summary>Sets an index of a row in which it is zero.</summary>
    /// <param name="row">The row's words.</param>
    /// <param name="column">c.</param>
    /// <param name="bits">n, 1 to 32.</param>
    /// <param name="index">Less than 2ⁿ.</param>
    public static void Write(Span<int> row, int column, int bits, uint index)
    {
        var at = (long)column * bits;
        var (word, shift) = ((int)(at / 32), (int)(at % 32));
        var pair = (ulong)index << shift;
        row[word] |= (int)(uint)pair;
        if (shift + bits > 32) row[word + 1] |= (int)(uint)(pair >> 32);
    }
}
