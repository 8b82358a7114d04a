using OnnxEff.Ir;

namespace OnnxEff.Cli.Diff;

/// <summary>Gives each node the key of its section.</summary>
static class SectionKeys
{
    const int Unknown = -1;

    /// <summary>
    /// 1. A node on the spine has the key of its step.
    /// 2. A node that follows from the spine and does not return to it (a present) has the greatest key among what it reads.
    /// 3. Any other node has the key of those who read it, or <paramref name="shared"/> where they have several.
    /// </summary>
    public static int[] Assign(DataFlow flow, Spine spine, Func<int, int> ofStep, int shared)
    {
        var keys = new int[flow.Nodes.Count];
        Array.Fill(keys, Unknown);
        int KeyOf(Node? node) => flow.PointOf(node) is >= 0 and var point ? keys[point - flow.Inputs.Count] : Unknown;
        for (var i = 0; i < keys.Length; i++)
        {
            var point = flow.Inputs.Count + i;
            if (spine.StepOf(point) >= 0) keys[i] = ofStep(spine.StepOf(point));
            else if (spine.FromStart[point] && !DataFlow.IsSize(flow.Nodes[i])) keys[i] = Greatest(Graph.Reads(flow.Nodes[i]), KeyOf);
        }
        var readers = ReadersOf(flow);
        for (var i = keys.Length - 1; i >= 0; i--)
        {
            if (keys[i] != Unknown) continue;
            var read = readers[i].Select(reader => keys[reader]).Where(key => key != Unknown).Distinct().ToArray();
            keys[i] = read.Length == 1 ? read[0] : read.Length > 1 ? shared : Unknown;
        }
        for (var i = 0; i < keys.Length; i++)
            if (keys[i] == Unknown) keys[i] = Greatest(Graph.Reads(flow.Nodes[i]), KeyOf) is not Unknown and var key ? key : shared;
        return keys;
    }

    static int Greatest(IEnumerable<Value> values, Func<Node?, int> keyOf) => values.Select(value => keyOf(value.Producer)).DefaultIfEmpty(Unknown).Max();

    // All who read, of shapes too; a reader in a subgraph is the node that holds it.
    static List<int>[] ReadersOf(DataFlow flow)
    {
        var readers = new List<int>[flow.Nodes.Count];
        for (var i = 0; i < readers.Length; i++) readers[i] = [];
        for (var i = 0; i < readers.Length; i++)
            foreach (var producer in Graph.Reads(flow.Nodes[i]).Select(value => flow.PointOf(value.Producer)).Where(point => point >= 0).Distinct())
                readers[producer - flow.Inputs.Count].Add(i);
        return readers;
    }
}
