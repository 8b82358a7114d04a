namespace OnnxEff.Runtime;

/// <summary>On which side short sequences of a batch are filled up.</summary>
public enum PaddingSide
{
    /// <summary>In front of the tokens.</summary>
    Left,

    /// <summary>Behind the tokens.</summary>
    Right,
}

/// <summary>Token sequences as one rectangle <c>[B, S]</c>, the short ones padded.</summary>
public sealed class TokenBatch
{
    readonly long[] ids;
    readonly int[] lengths;

    TokenBatch(long[] ids, int[] lengths, int columns, PaddingSide side)
    {
        (this.ids, this.lengths) = (ids, lengths);
        (Columns, Side) = (columns, side);
    }

    /// <summary>B.</summary>
    public int Rows => lengths.Length;

    /// <summary>S.</summary>
    public int Columns { get; }

    /// <summary>Where the padding is, if there is any.</summary>
    public PaddingSide Side { get; }

    /// <summary>True if some sequence is shorter than S.</summary>
    public bool IsPadded => Array.Exists(lengths, length => length < Columns);

    /// <summary>Ids row by row; padding is 0.</summary>
    public ReadOnlySpan<long> Ids => ids;

    /// <summary>One sequence.</summary>
    /// <exception cref="ArgumentException">It is empty.</exception>
    public static TokenBatch Single(params ReadOnlySpan<int> tokens) => Of([tokens.ToArray()]);

    /// <summary>Several sequences.</summary>
    /// <exception cref="ArgumentException">There is none, or one is empty.</exception>
    public static TokenBatch Of(IReadOnlyList<int[]> sequences, PaddingSide side = PaddingSide.Left)
    {
        if (sequences.Count == 0 || sequences.Any(s => s.Length == 0))
            throw new ArgumentException("A batch needs at least one token in each sequence.");
        var columns = sequences.Max(s => s.Length);
        var ids = new long[checked(sequences.Count * columns)];
        for (var row = 0; row < sequences.Count; row++)
        {
            var tokens = sequences[row];
            var start = row * columns + (side == PaddingSide.Left ? columns - tokens.Length : 0);
            for (var i = 0; i < tokens.Length; i++) ids[start + i] = tokens[i];
        }
        return new(ids, [.. sequences.Select(s => s.Length)], columns, side);
    }

    /// <summary>The first column of a row that holds a token, and the column behind its last.</summary>
    public (int First, int End) Range(int row) => Side == PaddingSide.Left
        ? (Columns - lengths[row], Columns)
        : (0, lengths[row]);
}
