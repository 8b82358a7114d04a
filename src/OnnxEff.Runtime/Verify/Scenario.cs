namespace OnnxEff.Runtime;

/// <summary>A sequence of calls on a fresh cache, given to both files alike.</summary>
/// <param name="Name">What it exercises.</param>
/// <param name="Calls">Tokens of each call.</param>
sealed record Scenario(string Name, IReadOnlyList<TokenBatch> Calls)
{
    /// <summary>The situations of a decoder's life, on random tokens.</summary>
    /// <param name="vocabulary">Ids are below it.</param>
    /// <param name="length">Tokens of the longest prompt.</param>
    /// <param name="padding">On which side batches are padded; null leaves them out.</param>
    /// <param name="seed">Equal seeds give equal tokens.</param>
    public static IEnumerable<Scenario> Seeded(int vocabulary, int length, PaddingSide? padding, int seed)
    {
        var random = new Random(seed);
        int[] Tokens(int count) => [.. Enumerable.Range(0, count).Select(_ => random.Next(vocabulary))];
        TokenBatch[] Steps(int rows, int count) =>
            [.. Enumerable.Range(0, count).Select(_ => TokenBatch.Of([.. Enumerable.Range(0, rows).Select(_ => Tokens(1))]))];

        yield return new("prefill", [TokenBatch.Single(Tokens(length))]);
        yield return new("chunk", [TokenBatch.Single(Tokens(length / 2)), TokenBatch.Single(Tokens(Math.Max(2, length / 4)))]);
        yield return new("decode", [TokenBatch.Single(Tokens(length / 2)), .. Steps(1, 4)]);
        yield return new("decode from nothing", Steps(1, 3));
        if (padding is not { } side) yield break;
        yield return new("padded batch", [TokenBatch.Of([Tokens(length), Tokens(length * 2 / 3), Tokens(Math.Max(1, length / 5))], side)]);
        yield return new("padded batch, decode",
            [TokenBatch.Of([Tokens(length / 2), Tokens(Math.Max(1, length / 3))], side), .. Steps(2, 3)]);
    }
}
