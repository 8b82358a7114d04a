namespace OnnxEff.Cli.Html.Drawing;

/// <summary>
/// Gives each point a place from left to right. Points want to stand in the middle of their neighbours, long wires straight; on each
/// level the places nearest to the wishes that keep order and distance are found exactly (pool adjacent violators).
/// </summary>
static class Columns
{
    const int Unfolding = 24;
    const int Settling = 80;
    const double Straightness = 8; // Pull of a wire's bends on one another, beside 1 between boxes.
    const int Gap = 16;
    const int WireGap = 10;

    /// <summary>The middle of each point.</summary>
    public static double[] Of(Levels levels, IReadOnlyList<int[]> rows, IReadOnlyList<Box> boxes)
    {
        var middles = new double[levels.Points];
        foreach (var row in rows)
        {
            double[] offsets = Offsets(row, levels, boxes);
            for (var i = 0; i < row.Length; i++) middles[row[i]] = offsets[i] - offsets[^1] / 2;
        }
        var above = levels.Links.ToLookup(link => link.To, link => link.From);
        var below = levels.Links.ToLookup(link => link.From, link => link.To);
        var bends = levels.Links.Where(link => link.To >= levels.Boxes).GroupBy(link => link.Wire, link => link.To).ToDictionary(wire => wire.Key, wire => wire.ToArray());
        var wireOf = bends.SelectMany(wire => wire.Value.Select(bend => (bend, wire.Key))).ToDictionary(bend => bend.bend, bend => bend.Key);
        for (var sweep = 0; sweep < Unfolding + Settling; sweep++)
        {
            var lines = bends.ToDictionary(wire => wire.Key, wire => wire.Value.Average(bend => middles[bend]));
            // First each level follows one neighbour only, so that the drawing unfolds; then both.
            var (up, down) = sweep < Unfolding ? (sweep % 2 == 0, sweep % 2 == 1) : (true, true);
            for (var i = 0; i < rows.Count; i++)
            {
                var row = rows[sweep % 2 == 1 ? rows.Count - 1 - i : i];
                var (wishes, weights) = (new double[row.Length], new double[row.Length]);
                for (var k = 0; k < row.Length; k++)
                {
                    foreach (var other in (up ? above[row[k]] : []).Concat(down ? below[row[k]] : []))
                    {
                        wishes[k] += middles[other];
                        weights[k]++;
                    }
                    if (wireOf.TryGetValue(row[k], out var wire))
                    {
                        wishes[k] += Straightness * lines[wire];
                        weights[k] += Straightness;
                    }
                    if (weights[k] == 0) (wishes[k], weights[k]) = (middles[row[k]] / 16, 1.0 / 16);
                    wishes[k] /= weights[k];
                }
                var places = Nearest(wishes, weights, Offsets(row, levels, boxes));
                for (var k = 0; k < row.Length; k++) middles[row[k]] = places[k];
            }
        }
        return middles;
    }

    // Where each point would be if all stood as close as they may.
    static double[] Offsets(int[] row, Levels levels, IReadOnlyList<Box> boxes)
    {
        double Half(int point) => point < levels.Boxes ? boxes[point].Width / 2.0 : 0;
        var offsets = new double[row.Length];
        for (var i = 1; i < row.Length; i++)
            offsets[i] = offsets[i - 1] + Half(row[i - 1]) + Half(row[i]) + (row[i - 1] < levels.Boxes || row[i] < levels.Boxes ? Gap : WireGap);
        return offsets;
    }

    static double[] Nearest(double[] wishes, double[] weights, double[] offsets)
    {
        var pools = new Stack<(double Value, double Weight, int Count)>();
        for (var i = 0; i < wishes.Length; i++)
        {
            (double Value, double Weight, int Count) pool = (wishes[i] - offsets[i], weights[i], 1);
            while (pools.TryPeek(out var left) && left.Value > pool.Value)
            {
                pools.Pop();
                var weight = left.Weight + pool.Weight;
                pool = ((left.Value * left.Weight + pool.Value * pool.Weight) / weight, weight, left.Count + pool.Count);
            }
            pools.Push(pool);
        }
        var places = new double[wishes.Length];
        var end = wishes.Length;
        foreach (var (value, _, count) in pools)
            for (var i = 0; i < count; i++) places[--end] = value + offsets[end];
        return places;
    }
}
