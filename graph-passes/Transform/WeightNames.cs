using OnnxEff.Ir;

namespace OnnxEff.GraphPasses.Transform;

/// <summary>
/// The names of the weights that each named node of a file reads, also through a transposition or a cast. Normalising folds those of small weights,
/// whose names are lost then; the names of nodes stay.
/// </summary>
/// <param name="model">The model as it was read.</param>
public sealed class WeightNames(Model model)
{
    readonly Dictionary<string, string[]> _weights = model.AllGraphs.SelectMany(g => g.Nodes).Where(n => n.Name.Length > 0).GroupBy(n => n.Name)
        .Select(g => (Node: g.Key, Weights: (string[])[.. g.SelectMany(n => n.Inputs).Select(Origin).OfType<string>()])).Where(n => n.Weights.Length > 0)
        .ToDictionary(n => n.Node, n => n.Weights);

    /// <summary>Those of a node; none of one that is not in the file.</summary>
    public IReadOnlyList<string> Of(string node) => _weights.GetValueOrDefault(node, []);

    static string? Origin(Value? value)
    {
        while (value?.Producer is { OpType: "Transpose" or "Cast" or "Identity" } view) value = view.Input(0);
        return value is { Initializer: not null } ? value.Name : null;
    }
}
