namespace OnnxEff.Decoding;

/// <summary>Byte-pair encoding: joins the pair of neighbours that was learnt earliest, until no pair is known.</summary>
sealed class BytePairs
{
    readonly IReadOnlyDictionary<string, int> vocabulary;
    readonly Dictionary<(int Left, int Right), (int Rank, int Joined)> merges = [];
    readonly bool wholeWordsFirst;

    /// <param name="vocabulary">Tokens with their ids.</param>
    /// <param name="pairs">Merges, the earliest first.</param>
    /// <param name="wholeWordsFirst">True if a piece that is a token itself is not merged at all.</param>
    /// <exception cref="InvalidDataException">A merge names tokens that the vocabulary lacks.</exception>
    public BytePairs(IReadOnlyDictionary<string, int> vocabulary, IEnumerable<(string Left, string Right)> pairs, bool wholeWordsFirst)
    {
        (this.vocabulary, this.wholeWordsFirst) = (vocabulary, wholeWordsFirst);
        foreach (var (left, right) in pairs)
        {
            if (!vocabulary.TryGetValue(left, out var l) || !vocabulary.TryGetValue(right, out var r)
                || !vocabulary.TryGetValue(left + right, out var joined))
                throw new InvalidDataException($"The tokenizer merges '{left}' and '{right}', which are not all in its vocabulary.");
            merges.TryAdd((l, r), (merges.Count, joined));
        }
    }

    /// <summary>The tokens of one piece, written in the byte alphabet.</summary>
    /// <exception cref="InvalidDataException">The vocabulary lacks a byte.</exception>
    public int[] Encode(string piece)
    {
        if (wholeWordsFirst && vocabulary.TryGetValue(piece, out var whole)) return [whole];

        var count = piece.Length;
        var ids = new int[count];
        for (var i = 0; i < count; i++)
            ids[i] = vocabulary.TryGetValue(piece[i].ToString(), out var id) ? id
                : throw new InvalidDataException($"The tokenizer has no token for '{piece[i]}'.");

        // A doubly linked list of live symbols and a queue of candidate pairs keep long pieces from costing quadratic time.
        var next = new int[count];
        var previous = new int[count];
        for (var i = 0; i < count; i++) (next[i], previous[i]) = (i + 1, i - 1);
        var queue = new PriorityQueue<(int At, int Left, int Right), (int Rank, int At)>();
        for (var i = 0; i < count; i++) Offer(i);
        while (queue.TryDequeue(out var pair, out _))
        {
            var right = ids[pair.At] == pair.Left ? next[pair.At] : count;
            if (right >= count || ids[right] != pair.Right) continue; // one of both was joined meanwhile
            ids[pair.At] = merges[(pair.Left, pair.Right)].Joined;
            ids[right] = -1;
            next[pair.At] = next[right];
            if (next[right] < count) previous[next[right]] = pair.At;
            if (previous[pair.At] >= 0) Offer(previous[pair.At]);
            Offer(pair.At);
        }
        return [.. ids.Where(id => id >= 0)];

        void Offer(int at)
        {
            if (next[at] < count && merges.TryGetValue((ids[at], ids[next[at]]), out var merge))
                queue.Enqueue((at, ids[at], ids[next[at]]), (merge.Rank, at));
        }
    }
}
