using System.Globalization;
using OnnxEff.Ir;

namespace OnnxEff.GraphPasses.Layers;

/// <summary>Names of nodes and values in the user's file, and what a name that passes made of one stands for.</summary>
sealed class FileNames
{
    readonly HashSet<string> _names = [];

    /// <summary>The names in a model as it was read.</summary>
    public FileNames(Model model)
    {
        foreach (var node in model.AllGraphs.SelectMany(g => g.Nodes))
        {
            _names.Add(node.Name);
            _names.UnionWith(node.Outputs.Select(o => o.Name));
        }
    }

    /// <summary>The name in the file: passes put an operator, or a number behind <c>::</c>, behind the name of what they replace.</summary>
    public string Of(string name)
    {
        for (var origin = name; origin.Length > 0;)
        {
            if (_names.Contains(origin))
                return origin;
            var number = origin.LastIndexOf("::", StringComparison.Ordinal);
            var end = number > 0 && int.TryParse(origin.AsSpan(number + 2), NumberStyles.None, CultureInfo.InvariantCulture, out _)
                ? number : origin.LastIndexOf('/');
            origin = origin[..Math.Max(end, 0)];
        }
        return name;
    }
}
