using OnnxEff.Ir;

namespace OnnxEff.Cli.Diff;

/// <summary>
/// Cuts a graph into layers, whoever exported it. The <see cref="Spine"/> gives steps; a step in which tokens are mixed begins a layer:
/// it reads a cache of its own, or holds an attention, fused or spelled out. What stands beside the spine belongs to the layer that
/// reads it, or is shared. Names play no part.
/// </summary>
sealed class LayerCut
{
    const int SoftmaxReach = 6; // Nodes between the probabilities and their product with the values: casts, guards against NaN, sinks.

    // They hand probabilities on as they are.
    static readonly HashSet<string> Passing = ["Cast", "CastLike", "Identity", "Dropout", "Where", "Slice", "Reshape", "Transpose", "Squeeze",
        "Unsqueeze", "Split", "Expand"];

    readonly DataFlow flow;
    readonly Spine spine;

    LayerCut(Graph graph)
    {
        flow = new(graph);
        spine = new(flow);
    }

    /// <summary>The sections in the order in which data flows, those without nodes left out.</summary>
    public static IReadOnlyList<Section> Of(Graph graph)
    {
        var cut = new LayerCut(graph);
        var starts = cut.Starts();
        if (starts.Count == 0) return graph.Nodes.Count == 0 ? [] : [new(SectionKind.Whole, 0, cut.flow.Nodes)];
        var ends = cut.EndOfLayers(starts);
        const int before = 0, shared = 1, first = 2;
        var after = first + starts.Count;
        var keys = SectionKeys.Assign(cut.flow, cut.spine, step =>
            step < starts[0] ? before : step >= ends ? after : first + starts.FindLastIndex(start => start <= step), shared);
        if (starts.Count > 1) cut.MoveEntry(keys, first, before);
        return [.. cut.flow.Nodes.Zip(keys).GroupBy(node => node.Second, node => node.First).OrderBy(group => group.Key).Select(group =>
            new Section(group.Key switch
            {
                before => SectionKind.Before,
                shared => SectionKind.Shared,
                _ => group.Key == after ? SectionKind.After : SectionKind.Layer,
            }, group.Key >= first && group.Key < after ? group.Key - first : 0, [.. group]))];
    }

    List<int> Starts()
    {
        var starts = new SortedSet<int>();
        for (var point = 0; point < flow.Count; point++)
        {
            if (flow.NodeAt(point) is not { } node)
            {
                if (spine.StepOf(point) < 0 && flow.Inputs[point].Type?.Shape is { Rank: >= 3 } && OnlyStepThatReads(point) is { } step) starts.Add(step);
            }
            else if (spine.StepOf(point) >= 0 && (Section.IsFusedAttention(node) || node.Is("Softmax") && WeighsValues(node, SoftmaxReach)))
                starts.Add(spine.StepOf(point));
        }
        return starts.Count > 0 ? [.. starts] : Blocks();
    }

    // A graph without attention: each step in which the flow divides around a heavy operator.
    List<int> Blocks() => [.. Enumerable.Range(0, flow.Count).Where(point => spine.StepOf(point) >= 0).GroupBy(spine.StepOf).OrderBy(step => step.Key)
        .Where(step => step.Count() > 1 && step.Any(point => flow.NodeAt(point) is { } node && Spine.IsHeavy(node))).Select(step => step.Key)];

    // A cache is read in one step; a mask, by all layers.
    int? OnlyStepThatReads(int input)
    {
        var seen = new HashSet<int>();
        var work = new Stack<int>([input]);
        int? step = null;
        while (work.TryPop(out var point))
        {
            if (spine.StepOf(point) is >= 0 and var found)
            {
                if (step is not null && step != found) return null;
                step = found;
                continue;
            }
            foreach (var reader in flow.Readers(point))
                if (seen.Add(reader)) work.Push(reader);
        }
        return step;
    }

    static bool WeighsValues(Node node, int reach) => reach > 0 && node.Outputs.SelectMany(output => output.Uses).Select(use => use.Node)
        .Any(reader => reader.OpType is "MatMul" or "Einsum" or "FusedMatMul" || Passing.Contains(reader.OpType) && WeighsValues(reader, reach - 1));

    // Where a layer ends with a sum that is normalised for the next one, the first layer's norm stands alone before it.
    void MoveEntry(int[] keys, int layer, int before)
    {
        var extra = Enumerable.Range(0, keys.Length).Where(i => keys[i] == layer || keys[i] == layer + 1).GroupBy(i => (flow.Nodes[i].Domain, flow.Nodes[i].OpType))
            .ToDictionary(group => group.Key, group => group.Sum(i => keys[i] == layer ? 1 : -1));
        if (extra.Values.Any(count => count < 0)) return;
        List<int> entry = [];
        for (var i = 0; i < keys.Length; i++)
        {
            var node = flow.Nodes[i];
            if (keys[i] != layer || extra[(node.Domain, node.OpType)] == 0) continue;
            if (Graph.Reads(node).Any(value => flow.PointOf(value.Producer) is >= 0 and var point && keys[point - flow.Inputs.Count] == layer
                && !entry.Contains(point - flow.Inputs.Count))) continue;
            extra[(node.Domain, node.OpType)]--;
            entry.Add(i);
        }
        if (extra.Values.Any(count => count > 0)) return;
        foreach (var i in entry) keys[i] = before;
    }

    // The last layer takes as many steps as most others; the only one, all in which the flow divides.
    int EndOfLayers(List<int> starts)
    {
        if (starts.Count == 1) return Math.Max(starts[0], Blocks().LastOrDefault()) + 1;
        var usual = starts.Zip(starts.Skip(1), (start, following) => following - start).GroupBy(length => length)
            .OrderByDescending(group => group.Count()).ThenByDescending(group => group.Key).First().Key;
        return Math.Min(starts[^1] + usual, spine.Count);
    }
}
