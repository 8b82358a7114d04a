using System.CommandLine;
using OnnxEff.Ir;
using OnnxEff.Ops;

namespace OnnxEff.Cli.Compress;

/// <summary>What products with stored weights may round.</summary>
static class ProductAccuracy
{
    /// <summary>The option by which a user chooses; null leaves it to the form.</summary>
    public static Option<int?> Option()
    {
        var option = new Option<int?>("--accuracy-level")
        {
            Description = "What products may round, as the attribute of ONNX Runtime's MatMulNBits: 0, nothing; 4, activations, centroids and tables to one byte, which is faster. " +
                "Default: 4 for weights that are quantised here, which loses far more; 0 for exact and imported ones.",
        };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int?>() is { } level && AccuracyLevel.Refuse(level, option.Name) is { } sentence) result.AddError(sentence);
        });
        return option;
    }

    /// <summary>Says so in each such product that says nothing itself.</summary>
    /// <param name="graph">The graph after its weights were stored.</param>
    /// <param name="level">See <see cref="AccuracyLevel"/>; the full one is what silence says.</param>
    public static void Set(Graph graph, int level)
    {
        if (level == AccuracyLevel.Full) return;
        foreach (var node in graph.SelfAndSubgraphs().SelectMany(g => g.Nodes).Where(node => Multiplies(node) && !node.Attributes.ContainsKey(AccuracyLevel.Name)))
            node.SetAttribute(AccuracyLevel.Name, new IntAttribute(level));
    }

    static bool Multiplies(Node node) => (node.Domain, node.OpType) is ("com.microsoft", "MatMulNBits") or (OnnxEffOperators.Domain, "VqMatMul" or "VptqMatMul" or "AffineMatMul");
}
