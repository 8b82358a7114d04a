using System.Globalization;
using System.Runtime.InteropServices;
using OnnxEff.Ir;
using OnnxEff.Rewriting;

namespace OnnxEff.Cli.Diff;

/// <summary>
/// Numbers nodes so that two have one number if and only if they compute the same from the same: operator, attributes, and what they
/// read, all the way up. What the leaves are is the caller's to say. Names, the order of nodes and that of operands which may be
/// exchanged play no part.
/// </summary>
/// <param name="texts">Numbers of texts; share it between what is to be compared.</param>
/// <param name="leaf">The text of a value that no numbered node makes.</param>
/// <param name="tensor">The text of a tensor in an attribute.</param>
sealed class NodeNumbers(Dictionary<string, int> texts, Func<Value, string> leaf, Func<Tensor, string> tensor)
{
    readonly Dictionary<Node, int> numbers = [];

    /// <summary>Numbers nodes that stand in topological order.</summary>
    /// <returns>The number of what they are together, in any order.</returns>
    public int Add(IEnumerable<Node> nodes)
    {
        List<int> all = [];
        foreach (var node in nodes.Where(node => ConstantOf(node) is null)) all.Add(numbers[node] = Number(TextOf(node)));
        all.Sort();
        return Number(string.Join(' ', all));
    }

    /// <summary>The number of a node.</summary>
    public int Of(Node node) => numbers[node];

    /// <summary>The text of a value: who makes it, or what it is.</summary>
    public string TextOf(Value? value) => value is null ? "_"
        // A constant is what it holds, wherever its node stands.
        : value.Producer is { } made && ConstantOf(made) is { } constant ? tensor(constant)
        : value.Producer is { } node && numbers.TryGetValue(node, out var number) ? string.Create(CultureInfo.InvariantCulture, $"n{number}.{value.OutputIndex}")
        : leaf(value);

    static Tensor? ConstantOf(Node node) => node.Is("Constant") && node.TryGetAttribute<TensorAttribute>("value", out var held) ? held.Value : null;

    int Number(string text)
    {
        ref var number = ref CollectionsMarshal.GetValueRefOrAddDefault(texts, text, out var isKnown);
        if (!isKnown) number = texts.Count;
        return number;
    }

    string TextOf(Node node) => $"{Quoted(node.Domain)}.{Quoted(node.OpType)}.{Quoted(node.Overload)}"
        + $"[{string.Join(',', node.Attributes.OrderBy(a => a.Key, StringComparer.Ordinal).Select(a => $"{Quoted(a.Key)}={TextOf(a.Value)}"))}]"
        + $"({string.Join(',', OperandsOf(node))})";

    IEnumerable<string> OperandsOf(Node node) => node.Inputs.Count == 2 && OperatorFacts.IsCommutative(node.Domain, node.OpType)
        ? node.Inputs.Select(TextOf).Order(StringComparer.Ordinal) : node.Inputs.Select(TextOf);

    string TextOf(AttributeValue attribute) => attribute switch
    {
        IntAttribute a => a.Value.ToString(CultureInfo.InvariantCulture),
        FloatAttribute a => $"f{BitConverter.SingleToInt32Bits(a.Value):x}",
        StringAttribute a => $"s{Convert.ToHexString(a.Bytes)}",
        TensorAttribute a => tensor(a.Value),
        GraphAttribute a => TextOf(a.Value),
        IntsAttribute a => $"[{string.Join(' ', a.Values)}]",
        FloatsAttribute a => $"f[{string.Join(' ', a.Values.Select(BitConverter.SingleToInt32Bits))}]",
        StringsAttribute a => $"s[{string.Join(' ', a.Values.Select(Convert.ToHexString))}]",
        TensorsAttribute a => $"t[{string.Join(' ', a.Values.Select(tensor))}]",
        GraphsAttribute a => $"g[{string.Join(' ', a.Values.Select(TextOf))}]",
        ReferenceAttribute a => $"@{Quoted(a.Name)}",
        OpaqueAttribute a => $"o{Convert.ToHexString(a.AttributeProto)}",
        _ => throw new InvalidOperationException($"No text for an attribute {attribute.GetType().Name}."),
    };

    string TextOf(Graph graph)
    {
        var together = Add(graph.Nodes);
        return $"g{together}({string.Join(',', graph.Outputs.Select(TextOf))})";
    }

    // Names may hold any character; a length in front keeps two texts from meaning one another.
    static string Quoted(string name) => name.Length == 0 ? "" : $"{name.Length}:{name}";
}
