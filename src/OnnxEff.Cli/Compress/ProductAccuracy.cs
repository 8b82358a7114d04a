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
            Description = "What products may round, as the attribute of ONNX Runtime's MatMulNBits: 0, nothing; 4, activations and tables to one byte, which is faster. " +
                "Default: 4 for int2, int4 and int8, for which ONNX Runtime is slow without it, otherwise 0.",
        };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int?>() is { } level && AccuracyLevel.Refuse(level) is not null)
                result.AddError($"--accuracy-level is {AccuracyLevel.Full} or {AccuracyLevel.Bytes}, not {level}.");
        });
        return option;
    }

    /// <summary>Says so in each such product that says nothing itself.</summary>
    /// <param name="graph">The graph after its weights were stored.</param>
    /// <param name="level">The user's choice, or null.</param>
    public static void Set(Graph graph, int? level)
    {
        foreach (var node in graph.SelfAndSubgraphs().SelectMany(g => g.Nodes))
        {
            var byDefault = (node.Domain, node.OpType) switch
            {
                ("com.microsoft", "MatMulNBits") => AccuracyLevel.Bytes,
                (OnnxEffOperators.Domain, "VqMatMul" or "VptqMatMul" or "AffineMatMul") => AccuracyLevel.Full,
                _ => (int?)null,
            };
            if (byDefault is { } value && !node.Attributes.ContainsKey(AccuracyLevel.Name) && (level ?? value) is not AccuracyLevel.Full and var chosen)
                node.SetAttribute(AccuracyLevel.Name, new IntAttribute(chosen));
        }
    }
}
