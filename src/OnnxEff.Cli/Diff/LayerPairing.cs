namespace OnnxEff.Cli.Diff;

/// <summary>Pairs the layers of two models.</summary>
static class LayerPairing
{
    /// <summary>
    /// 1. Models of as many layers: by order.
    /// 2. Else: in order, such that the fewest layers stay alone or have a partner of another form.
    /// </summary>
    /// <param name="before">Forms of the first model's layers.</param>
    /// <param name="after">Forms of the second model's layers.</param>
    /// <returns>Indices of partners; −1 where there is none.</returns>
    public static IReadOnlyList<(int Before, int After)> Of(IReadOnlyList<int> before, IReadOnlyList<int> after)
    {
        if (before.Count == after.Count) return [.. before.Select((_, i) => (i, i))];
        var costs = Costs(before, after);
        List<(int, int)> pairs = [];
        for (int i = 0, j = 0; i < before.Count || j < after.Count;)
        {
            if (i < before.Count && j < after.Count && costs[i, j] == costs[i + 1, j + 1] + Change(before[i], after[j])) pairs.Add((i++, j++));
            else if (i < before.Count && costs[i, j] == costs[i + 1, j] + 1) pairs.Add((i++, -1));
            else pairs.Add((-1, j++));
        }
        return pairs;
    }

    // Costs of pairing what is left from (i, j) on.
    static int[,] Costs(IReadOnlyList<int> before, IReadOnlyList<int> after)
    {
        var costs = new int[before.Count + 1, after.Count + 1];
        for (var i = before.Count; i >= 0; i--)
        {
            for (var j = after.Count; j >= 0; j--)
            {
                if (i == before.Count || j == after.Count) costs[i, j] = before.Count - i + after.Count - j;
                else costs[i, j] = Math.Min(costs[i + 1, j + 1] + Change(before[i], after[j]), 1 + Math.Min(costs[i + 1, j], costs[i, j + 1]));
            }
        }
        return costs;
    }

    static int Change(int before, int after) => before == after ? 0 : 1;
}
