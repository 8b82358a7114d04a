namespace OnnxEff.Cli.Html.Drawing;

/// <summary>A box to be placed.</summary>
/// <param name="Width">Its width.</param>
/// <param name="Height">Its height.</param>
/// <param name="Floats">True for what comes from outside and may stand right above its readers.</param>
readonly record struct Box(int Width, int Height, bool Floats = false);

/// <summary>A value on its way from one box to others, which have greater indices.</summary>
readonly record struct Wire(int From, IReadOnlyList<int> To);

/// <summary>A part of a wire between two neighbouring levels.</summary>
readonly record struct Link(int From, int To, int Wire);

/// <summary>
/// Boxes on levels, such that every wire leads downwards. Where a wire passes a level it has a bend there: a point without extent. The
/// branches of a wire share their bends.
/// </summary>
sealed class Levels
{
    readonly List<int> levels = [];

    /// <summary>Puts boxes on levels.</summary>
    public Levels(IReadOnlyList<Box> boxes, IReadOnlyList<Wire> wires)
    {
        Boxes = boxes.Count;
        levels.AddRange(Assign(boxes, wires));
        for (var w = 0; w < wires.Count; w++) Connect(w, wires[w]);
        Rows = [.. Enumerable.Range(0, levels.Count).GroupBy(point => levels[point]).OrderBy(row => row.Key).Select(row => row.ToArray())];
    }

    /// <summary>Number of boxes; points from there on are bends.</summary>
    public int Boxes { get; }

    /// <summary>Number of boxes and bends.</summary>
    public int Points => levels.Count;

    /// <summary>The points of each level.</summary>
    public IReadOnlyList<int[]> Rows { get; }

    /// <summary>The parts of all wires.</summary>
    public List<Link> Links { get; } = [];

    /// <summary>The level of a point.</summary>
    public int Of(int point) => levels[point];

    static int[] Assign(IReadOnlyList<Box> boxes, IReadOnlyList<Wire> wires)
    {
        var level = new int[boxes.Count];
        var floats = boxes.Select(box => box.Floats).ToArray();
        var roots = boxes.Select((box, i) => box.Floats || !wires.Any(wire => wire.To.Contains(i))).ToArray();
        var outgoing = wires.ToLookup(wire => wire.From);
        var incoming = wires.SelectMany(wire => wire.To.Select(to => (wire.From, To: to))).ToLookup(link => link.To, link => link.From);
        for (var box = 0; box < level.Length; box++)
        {
            foreach (var from in incoming[box]) level[box] = Math.Max(level[box], level[from] + 1);
            if (!roots[box]) floats[box] = incoming[box].All(from => floats[from]);
        }
        // What hangs on floating boxes alone sinks to where it is read.
        for (var box = level.Length - 1; box >= 0; box--)
            if (floats[box] && outgoing[box].SelectMany(wire => wire.To).Select(to => level[to]).DefaultIfEmpty(-1).Min() is > 0 and var lowest) level[box] = lowest - 1;
        // A level that nothing is left on closes.
        var used = level.Distinct().Order().Index().ToDictionary(row => row.Item, row => row.Index);
        return [.. level.Select(row => used[row])];
    }

    void Connect(int index, Wire wire)
    {
        if (wire.To.Count == 0) return;
        var last = wire.To.Max(to => levels[to]);
        for (int level = levels[wire.From] + 1, at = wire.From; level <= last; level++)
        {
            foreach (var to in wire.To.Distinct())
                if (levels[to] == level) Links.Add(new(at, to, index));
            if (level == last) break;
            levels.Add(level);
            Links.Add(new(at, levels.Count - 1, index));
            at = levels.Count - 1;
        }
    }
}
