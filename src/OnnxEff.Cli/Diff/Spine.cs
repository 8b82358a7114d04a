using OnnxEff.Ir;

namespace OnnxEff.Cli.Diff;

/// <summary>
/// The points through which everything passes on its way from the token embedding to the main output: in a decoder the residual
/// stream. They cut the graph into steps; step i ends with point i. Found from the flow of data alone: of all chains of points that
/// every path from a source to the main output shares, the one that most often divides around heavy operators.
/// </summary>
sealed class Spine
{
    readonly DataFlow flow;
    readonly int[] next; // The nearest point through which all paths to the end pass; -1 at the end and for what does not lead there.
    readonly int[] depth; // Number of such points; 0 for what does not lead to the end.
    readonly int[] weights; // Steps from a point to the end in which the flow divides around a heavy operator; -1 while not known.
    readonly int[] steps;

    /// <summary>The spine of a graph; without steps if the graph has no output that a node makes.</summary>
    public Spine(DataFlow flow)
    {
        this.flow = flow;
        (next, depth, weights, steps) = (new int[flow.Count], new int[flow.Count], new int[flow.Count], new int[flow.Count]);
        Array.Fill(steps, -1);
        Array.Fill(weights, -1);
        FromStart = new bool[flow.Count];
        if (flow.End < 0) return;
        Join();
        var start = Start();
        FromStart = flow.From(start);
        for (var point = start; point >= 0; point = next[point]) steps[point] = Count++;
        for (var point = flow.End; point >= start; point--)
            if (FromStart[point] && depth[point] > 0 && steps[point] < 0) steps[point] = steps[next[point]];
    }

    /// <summary>Number of steps.</summary>
    public int Count { get; }

    /// <summary>For each point, whether it follows from the start.</summary>
    public bool[] FromStart { get; }

    /// <summary>The step to which a point on the way belongs; -1 beside it.</summary>
    public int StepOf(int point) => steps[point];

    /// <summary>True for operators that multiply with weights, or mix tokens.</summary>
    public static bool IsHeavy(Node node) => Heavy.Any(part => node.OpType.Contains(part, StringComparison.Ordinal));

    static readonly string[] Heavy = ["MatMul", "Gemm", "Attention", "Conv", "Einsum", "Linear", "MoE"];

    // Immediate post-dominators; readers stand behind what they read.
    void Join()
    {
        Array.Fill(next, -1);
        depth[flow.End] = 1;
        for (var point = flow.End - 1; point >= 0; point--)
        {
            var join = -1;
            foreach (var reader in flow.Readers(point))
                if (depth[reader] > 0) join = join < 0 ? reader : Meet(join, reader);
            if (join < 0) continue;
            (next[point], depth[point]) = (join, depth[join] + 1);
        }
    }

    int Meet(int a, int b)
    {
        while (a != b)
        {
            if (depth[a] >= depth[b]) a = next[a];
            else b = next[b];
        }
        return a;
    }

    // Between chains of one weight, the one from which more heavy operators follow: the embedding comes before a mask.
    int Start()
    {
        int best = flow.End, bestFollowing = 0;
        for (var point = 0; point < flow.Count; point++)
        {
            if (!flow.IsSource[point] || depth[point] == 0 || Weight(point) < Weight(best)) continue;
            var following = flow.From(point).Index().Count(p => p.Item && depth[p.Index] > 0 && flow.NodeAt(p.Index) is { } node && IsHeavy(node));
            if (Weight(point) > Weight(best) || following > bestFollowing) (best, bestFollowing) = (point, following);
        }
        return best;
    }

    int Weight(int point)
    {
        var path = new Stack<int>();
        for (var at = point; at != flow.End && weights[at] < 0; at = next[at]) path.Push(at);
        weights[flow.End] = 0;
        while (path.TryPop(out var at)) weights[at] = weights[next[at]] + (HasHeavy(at, next[at]) ? 1 : 0);
        return weights[point];
    }

    // Where the flow does not divide, nothing is gone around: a mask meets the same operators behind one another.
    bool HasHeavy(int from, int to)
    {
        if (flow.Readers(from).Count(reader => depth[reader] > 0) == 1) return false;
        var seen = new HashSet<int>();
        var work = new Stack<int>([from]);
        while (work.TryPop(out var point))
        {
            if (point != from && IsHeavy(flow.NodeAt(point)!)) return true;
            if (point == to) continue;
            foreach (var reader in flow.Readers(point))
                if (depth[reader] > 0 && seen.Add(reader)) work.Push(reader);
        }
        return false;
    }
}
