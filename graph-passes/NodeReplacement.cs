using OnnxEff.Ir;

namespace OnnxEff.GraphPasses;

/// <summary>Putting one node in the place of another.</summary>
static class NodeReplacement
{
    /// <summary>Gives <paramref name="replacement"/> outputs of the same names, types and readers, and removes the source.</summary>
    public static void HandOutputsTo(this Node source, Node replacement)
    {
        foreach (var output in source.Outputs)
            replacement.TakeOver(output);
        source.Graph.RemoveNode(source);
    }

    /// <summary>Adds an output that takes the name, the type and the readers of another value.</summary>
    public static Value TakeOver(this Node replacement, Value output)
    {
        var name = output.Name;
        if (name.Length > 0)
            output.Name = output.Graph.FreshName(name);
        var taken = replacement.AddOutput(name, output.Type);
        output.ReplaceUsesWith(taken);
        return taken;
    }
}
