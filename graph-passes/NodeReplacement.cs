using OnnxEff.Ir;

namespace OnnxEff.GraphPasses;

/// <summary>Putting one node in the place of another.</summary>
static class NodeReplacement
{
    /// <summary>Gives <paramref name="replacement"/> outputs of the same names, types and readers, and removes the source.</summary>
    public static void HandOutputsTo(this Node source, Node replacement)
    {
        foreach (var output in source.Outputs)
        {
            var name = output.Name;
            if (name.Length > 0)
                output.Name = source.Graph.FreshName(name);
            output.ReplaceUsesWith(replacement.AddOutput(name, output.Type));
        }
        source.Graph.RemoveNode(source);
    }
}
