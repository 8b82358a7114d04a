namespace OnnxEff.Cli.Html.Drawing;

/// <summary>Orders the points of each level so that few links cross: each point moves to the middle of its neighbours, down and up again.</summary>
static class Order
{
    const int Sweeps = 12; // Later ones hardly find a better order.

    /// <summary>The rows in order from left to right.</summary>
    public static IReadOnlyList<int[]> Of(Levels levels)
    {
        var above = levels.Links.ToLookup(link => link.To, link => link.From);
        var below = levels.Links.ToLookup(link => link.From, link => link.To);
        int[][] rows = [.. levels.Rows.Select(row => row.ToArray())];
        var places = new double[levels.Points];
        foreach (var row in rows) Place(row, places);
        var best = Copy(rows);
        var fewest = Crossings(levels, places);
        for (var sweep = 0; sweep < Sweeps && fewest > 0; sweep++)
        {
            var down = sweep % 2 == 0;
            for (var i = 1; i < rows.Length; i++)
            {
                var row = rows[down ? i : rows.Length - 1 - i];
                var neighbours = down ? above : below;
                var wishes = row.ToDictionary(point => point, point => neighbours[point].Select(other => places[other]).DefaultIfEmpty(places[point]).Average());
                row.AsSpan().Sort((a, b) => wishes[a].CompareTo(wishes[b]) is not 0 and var order ? order : places[a].CompareTo(places[b]));
                Place(row, places);
            }
            var crossings = Crossings(levels, places);
            if (crossings >= fewest) continue;
            (best, fewest) = (Copy(rows), crossings);
        }
        return best;
    }

    static int[][] Copy(int[][] rows) => [.. rows.Select(row => row.ToArray())];

    static void Place(int[] row, double[] places)
    {
        for (var i = 0; i < row.Length; i++) places[row[i]] = (i + 0.5) / row.Length;
    }

    static long Crossings(Levels levels, double[] places)
    {
        long crossings = 0;
        foreach (var between in levels.Links.GroupBy(link => levels.Of(link.From)))
        {
            // Links by their upper end: two cross if their lower ends are the other way round.
            var lower = between.OrderBy(link => places[link.From]).ThenBy(link => places[link.To]).Select(link => places[link.To]).ToArray();
            var rank = lower.Distinct().Order().Index().ToDictionary(place => place.Item, place => place.Index + 1);
            var seen = new int[rank.Count + 1]; // A Fenwick tree: how many lower ends are at most so far to the right.
            for (var i = 0; i < lower.Length; i++)
            {
                var before = 0;
                for (var at = rank[lower[i]]; at > 0; at -= at & -at) before += seen[at];
                crossings += i - before;
                for (var at = rank[lower[i]]; at < seen.Length; at += at & -at) seen[at]++;
            }
        }
        return crossings;
    }
}
