namespace OnnxEff.GraphPasses.Raise.Positions;

/// <summary>
/// One choice of inputs on which values that depend on positions only are evaluated: a batch of rows with
/// <see cref="Past"/> cached and <see cref="New"/> new tokens each, some of them padding.
/// </summary>
/// <param name="Batch">Number of rows, B.</param>
/// <param name="New">New tokens, S.</param>
/// <param name="Past">Cached tokens, P.</param>
/// <param name="Padding">How the rows are padded.</param>
public sealed record PositionSample(int Batch, int New, int Past, Padding Padding)
{
    /// <summary>Keys that a row has, T = P + S.</summary>
    public int Total => Past + New;

    /// <summary>True if key <paramref name="key"/> of row <paramref name="row"/> is a token, false if it is padding.</summary>
    public bool IsToken(int row, int key) => Padding switch
    {
        Padding.Left => key >= PaddedIn(row),
        Padding.Right => key < Total - PaddedIn(row),
        Padding.Holes => row == 0 || (key + row) % 3 != 0,
        _ => true,
    };

    /// <summary>The first key of a row that is a token.</summary>
    public int FirstToken(int row) => Enumerable.Range(0, Total).First(key => IsToken(row, key));

    /// <summary>The position of a new token: the number of tokens before it, and 1 at padding, as hosts set it.</summary>
    public int PositionOf(int row, int index)
    {
        var key = Past + index;
        return IsToken(row, key) ? Enumerable.Range(0, key).Count(k => IsToken(row, k)) : 1;
    }

    /// <summary>The first row is never padded; the others are padded more and more.</summary>
    int PaddedIn(int row) => Math.Min(row * 2, Total - 1);

    /// <summary>
    /// The samples on which a recogniser must agree: prefill, chunks and single steps, each way of padding, and for each of
    /// <paramref name="lengths"/> (sizes that the graph may use for windows or tables) one that is longer and one as long.
    /// </summary>
    /// <param name="lengths">The sizes.</param>
    /// <param name="hasCache">False if the graph has no past, so that long samples are long prompts.</param>
    public static IEnumerable<PositionSample> Draw(IEnumerable<long> lengths, bool hasCache = true)
    {
        foreach (var padding in Enum.GetValues<Padding>())
        {
            yield return new(2, 6, 0, padding);
            yield return new(3, 9, 0, padding);
            yield return new(2, 1, 7, padding);
            yield return new(3, 1, 18, padding);
            yield return new(2, 4, 11, padding);
        }
        yield return new(1, 1, 0, Padding.None);
        yield return new(1, 24, 0, Padding.None);
        foreach (var length in lengths)
        {
            if (hasCache)
            {
                yield return new(1, 3, (int)length + 5, Padding.None);
                yield return new(2, 2, (int)length - 2, Padding.Left);
            }
            else
            {
                yield return new(1, (int)length + 5, 0, Padding.None);
                yield return new(1, (int)length, 0, Padding.None);
            }
        }
    }
}

/// <summary>Where a batch's shorter rows hold padding.</summary>
public enum Padding
{
    /// <summary>Nowhere: all rows are full.</summary>
    None,
    /// <summary>Before the tokens.</summary>
    Left,
    /// <summary>After the tokens.</summary>
    Right,
    /// <summary>Between the tokens.</summary>
    Holes,
}
