using OnnxEff.Ir;

namespace OnnxEff.Cli.Diff;

/// <summary>
/// Forms of the sections of both models. Two sections of one form have the same operators, wired in the same way, with weights of the
/// same types and sizes, and read the same shared values.
/// </summary>
sealed class Forms
{
    const int MaxElements = 64; // Longer integer constants are tables.
    const int FewForms = 4;

    readonly Dictionary<string, int> texts = [];
    readonly TensorClasses tensors = new();
    readonly Dictionary<Section, NodeNumbers> numbers = [];
    readonly Dictionary<Section, int> forms = [];

    /// <summary>The forms of two models.</summary>
    public Forms(ModelSide before, ModelSide after)
    {
        var (exactBefore, exactAfter) = (Exact(before.Model), Exact(after.Model));
        IsSame = exactBefore.Together == exactAfter.Together;
        // Integers tell a window or a permutation; where nearly every layer has others, they are its number.
        foreach (var (side, exact) in (ReadOnlySpan<(ModelSide, NodeNumbers)>)[(before, exactBefore.Numbers), (after, exactAfter.Numbers)])
        {
            Number(side, exact, withIntegers: true);
            var layers = side.Layers.ToArray();
            if (layers.Select(layer => forms[layer]).Distinct().Count() > Math.Max(FewForms, layers.Length / FewForms)) TooMany = true;
        }
        if (!TooMany) return;
        Number(before, exactBefore.Numbers, withIntegers: false);
        Number(after, exactAfter.Numbers, withIntegers: false);
    }

    /// <summary>True if both models compute the same with the same weights, as far as their graphs tell.</summary>
    public bool IsSame { get; }

    bool TooMany { get; }

    /// <summary>The form of a section.</summary>
    public int Of(Section section) => forms[section];

    /// <summary>What a node computes inside of its section.</summary>
    public int Of(Section section, Node node) => numbers[section].Of(node);

    /// <summary>The number of a tensor; that of another if they are equal.</summary>
    public int Of(Tensor tensor) => tensors.Of(tensor);

    (int Together, NodeNumbers Numbers) Exact(Model model)
    {
        string TextOf(Tensor tensor) => $"w{tensors.Of(tensor)}";
        string Leaf(Value value) => value.Constant is { } constant ? TextOf(constant)
            : value.IsInput ? $"i{value.Graph.Inputs.Index().First(input => input.Item == value).Index}{(value.Initializer is { } given ? TextOf(given) : "")}"
            : $"?{value.Name}";
        var numbers = new NodeNumbers(texts, Leaf, TextOf);
        List<string> parts = [$"{numbers.Add(model.Graph.Nodes)}", .. model.Graph.Outputs.Select(numbers.TextOf)];
        foreach (var function in model.Functions.OrderBy(f => $"{f.Domain}.{f.Name}.{f.Overload}", StringComparer.Ordinal))
            parts.AddRange([function.Domain, function.Name, function.Overload, $"{numbers.Add(function.Body.Nodes)}", .. function.Body.Outputs.Select(numbers.TextOf)]);
        var text = string.Join('\n', parts);
        texts.TryAdd(text, texts.Count);
        return (texts[text], numbers);
    }

    void Number(ModelSide side, NodeNumbers exact, bool withIntegers)
    {
        var shared = side.Sections.Where(section => section.Kind == SectionKind.Shared).SelectMany(section => section.Nodes).ToHashSet();
        string TextOf(Tensor tensor)
        {
            var text = $"{tensor.Element}[{string.Join(' ', tensor.Dims.ToArray())}]";
            return withIntegers && tensor.Element.IsInteger() && tensor.Count <= MaxElements ? text + Convert.ToHexString(tensor.Data.Span) : text;
        }
        string Leaf(Value value) => value.Constant is { } constant ? TextOf(constant)
            : value.IsInput ? $"i {value.Type?.Element} {value.Type?.Shape?.Rank}"
            : value.Producer is { } node && shared.Contains(node) ? $"s{exact.TextOf(value)}"
            : "x";
        foreach (var section in side.Sections)
        {
            numbers[section] = new(texts, Leaf, TextOf);
            forms[section] = numbers[section].Add(section.Nodes);
        }
    }
}
