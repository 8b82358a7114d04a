using System.Globalization;
using OnnxEff.Ir;
using OnnxEff.Ops.Llm;

namespace OnnxEff.Tests.GraphPasses.Spelling;

/// <summary>
/// What a raised graph says, whatever its nodes are called and in which order they stand: one line for each node of the
/// vocabulary (and each LayerNormalization), after those it depends on, with its facts and with what each input is: a constant,
/// an input, the result of a line (#3), or something that plain operators make of them (~ before the sources).
/// </summary>
sealed class RaisedForm
{
    readonly Dictionary<Node, int> _depths = [];
    readonly Dictionary<Node, int> _numbers = [];
    readonly Dictionary<Value, Value[]> _sources = [];
    readonly List<string> _lines = [];

    RaisedForm(Graph graph)
    {
        graph.Sort();
        Node[] nodes = [.. graph.Nodes.Where(IsRaised)];
        foreach (var node in nodes)
            _depths[node] = node.Inputs.OfType<Value>().SelectMany(Sources).Select(v => v.Producer).OfType<Node>().Select(p => _depths[p] + 1).DefaultIfEmpty().Max();
        foreach (var level in nodes.GroupBy(n => _depths[n]).OrderBy(g => g.Key))
        {
            // Nodes that say the same of the same are one line.
            foreach (var same in level.GroupBy(Describe).OrderBy(g => g.Key, StringComparer.Ordinal).ToArray())
            {
                foreach (var node in same)
                    _numbers[node] = _lines.Count;
                _lines.Add($"#{_lines.Count} = {same.Key}");
            }
        }
        _lines.AddRange(graph.Outputs.Select(o => $"{o.Name} = {Direct(o)}"));
    }

    /// <summary>The lines.</summary>
    public static IReadOnlyList<string> Of(Graph graph) => new RaisedForm(graph)._lines;

    /// <summary>The first line in which two forms differ, or null.</summary>
    public static string? Difference(IReadOnlyList<string> expected, IReadOnlyList<string> actual)
    {
        for (var i = 0; i < Math.Max(expected.Count, actual.Count); i++)
        {
            var (a, b) = (expected.ElementAtOrDefault(i) ?? "nothing", actual.ElementAtOrDefault(i) ?? "nothing");
            if (a != b)
                return $"expected {a}\n  but is {b}";
        }
        return null;
    }

    static bool IsRaised(Node node) => node.Domain == Vocabulary.Domain || node.Is("LayerNormalization");

    string Describe(Node node)
    {
        var isTransposed = node.Int("transposed") != 0;
        var attributes = node.Attributes.Where(a => a.Key != "transposed").OrderBy(a => a.Key, StringComparer.Ordinal)
            .Select(a => $"{a.Key}={Text(a.Key, a.Value)}");
        var inputs = node.Inputs.Select((input, slot) => input is null ? "_"
            : input.Constant is { } constant ? Text(constant, isTransposed && slot == 1, exact: !LlmAttention.Fits(node))
            : LlmAttention.Fits(node) && slot > (int)AttentionInput.Value ? Indirect(input) : Direct(input));
        return $"{node.OpType}({string.Join(", ", inputs)}) {string.Join(" ", attributes)}";
    }

    string Direct(Value value) => value.Producer is { } p && !IsRaised(p) ? Indirect(value) : Name(value);

    string Indirect(Value value) => $"~({string.Join(" ", Sources(value).Select(Name).Order(StringComparer.Ordinal))})";

    string Name(Value value) => value.Producer is { } node ? $"#{_numbers[node]}.{value.OutputIndex}" : value.Name;

    /// <summary>The raised results and graph inputs whose elements a value depends on.</summary>
    Value[] Sources(Value value)
    {
        if (value.Constant is not null)
            return [];
        if (value.Producer is not { } node || IsRaised(node))
            return [value];
        if (_sources.TryGetValue(value, out var known))
            return known;
        return _sources[value] = node.OpType is "Shape" or "Size" ? [] : [.. Graph.Reads(node).SelectMany(Sources).Distinct()];
    }

    static string Text(string name, AttributeValue value) => value switch
    {
        IntAttribute i => i.Value.ToString(CultureInfo.InvariantCulture),
        FloatAttribute f => f.Value.ToString("G4", CultureInfo.InvariantCulture),
        StringAttribute { Text: var text } => name == "mask_fact" ? text.Split(':')[0] : text,
        IntsAttribute ints => string.Join(",", ints.Values),
        _ => value.ToString()!,
    };

    // Weights are stored in either orientation; tables of angles are computed and differ in their last bits.
    static string Text(Tensor tensor, bool isTransposed, bool exact)
    {
        if (isTransposed && tensor.Rank == 2 && Numbers.Has(tensor.Element))
            tensor = tensor.Transposed();
        var hash = 14695981039346656037UL; // FNV-1a
        foreach (var part in exact ? tensor.Data.Span : [])
            hash = (hash ^ part) * 1099511628211UL;
        return $"[{string.Join(",", tensor.Dims.ToArray())}]{(exact ? $"{hash % 0xFFFFFF:X6}" : "")}";
    }
}
