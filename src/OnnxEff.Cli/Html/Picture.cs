using OnnxEff.Cli.Diff;
using OnnxEff.Cli.Html.Drawing;
using OnnxEff.Ir;

namespace OnnxEff.Cli.Html;

/// <summary>What a box of a picture stands for.</summary>
/// <param name="Node">A node; null for a value that comes from outside or leaves.</param>
/// <param name="Value">The value; null for a node.</param>
/// <param name="Lines">What is written in it.</param>
sealed record PictureBox(Node? Node, Value? Value, IReadOnlyList<string> Lines)
{
    const int Letter = 7; // Advance of one letter, rounded up: 0.6 of 11 pixels.
    const int Line = 14;

    /// <summary>The box to be placed.</summary>
    public Box ToBox(bool floats) => new(Math.Max(64, Lines.Max(line => line.Length) * Letter + 18), Lines.Count * Line + 10, floats);
}

/// <summary>One section as boxes and wires: its nodes, the values that come in, and those that leave. Constants are written into the nodes that read them.</summary>
sealed class Picture
{
    const int LetterLimit = 26;

    readonly Dictionary<Value, int> ports = [];
    readonly Dictionary<Node, int> nodes = [];
    readonly List<PictureBox> boxes = [];
    readonly List<Wire> wires = [];
    readonly Symbols symbols;

    /// <summary>The picture of a section.</summary>
    public Picture(Section section, Symbols symbols)
    {
        this.symbols = symbols;
        Node[] shown = [.. section.Nodes.Where(node => !node.Is("Constant"))];
        var inside = section.Nodes.ToHashSet();
        foreach (var value in shown.SelectMany(Reads).Where(value => value.Producer is not { } producer || !inside.Contains(producer)).Distinct())
            Add(ports, value, new(null, value, PortLines(value)));
        foreach (var node in shown) Add(nodes, node, new(node, null, NodeLines(node)));
        foreach (var (value, port) in ports) wires.Add(new(port, ReadersOf(value)));
        foreach (var node in shown)
        {
            foreach (var output in node.Outputs)
            {
                var readers = ReadersOf(output);
                if (output.IsOutput || output.Uses.Any(use => !inside.Contains(Outermost(use.Node, output.Graph))))
                {
                    readers = [.. readers, boxes.Count];
                    boxes.Add(new(null, output, PortLines(output)));
                }
                if (readers.Count > 0) wires.Add(new(nodes[node], readers));
            }
        }
        // What another section makes is the main flow and stands on top; what a caller gives stands where it is read.
        Layout = Layout.Of([.. boxes.Select((box, i) => box.ToBox(floats: i < ports.Count && (box.Value!.IsInput || ports.Count > 1 && i > 0)))], wires);
    }

    /// <summary>All boxes: values that come in, nodes, values that leave.</summary>
    public IReadOnlyList<PictureBox> Boxes => boxes;

    /// <summary>All wires.</summary>
    public IReadOnlyList<Wire> Wires => wires;

    /// <summary>Where they stand.</summary>
    public Layout Layout { get; }

    /// <summary>A constant that a value always is, also one that a <c>Constant</c> node makes.</summary>
    public static string? ConstantText(Value value) => value.Constant is { } constant ? Shorter.Constant(constant)
        : value.Producer is { } node && node.Is("Constant") ? string.Join(' ', node.Attributes.Values.Select(Shorter.Attribute))
        : null;

    /// <summary>The values that a node reads and that are no constants.</summary>
    public static IEnumerable<Value> Reads(Node node) => Graph.Reads(node).Where(value => ConstantText(value) is null).Distinct();

    static Node Outermost(Node node, Graph graph)
    {
        while (node.Graph != graph && node.Graph.Parent is { } parent)
            node = parent.Nodes.First(outer => outer.Subgraphs.Contains(node.Graph));
        return node;
    }

    void Add<T>(Dictionary<T, int> indices, T key, PictureBox box) where T : notnull
    {
        indices.Add(key, boxes.Count);
        boxes.Add(box);
    }

    List<int> ReadersOf(Value value) => [.. value.Uses.Select(use => Outermost(use.Node, value.Graph)).Where(nodes.ContainsKey).Select(node => nodes[node]).Distinct()];

    IReadOnlyList<string> PortLines(Value value) => [.. ((string[])[Shorter.Name(value.Name, LetterLimit), Shorter.End(Shorter.Type(value.Type, symbols), LetterLimit)])
        .Where(line => line.Length > 0)];

    IReadOnlyList<string> NodeLines(Node node)
    {
        var constants = node.Inputs.OfType<Value>().Select(ConstantText).OfType<string>();
        var attributes = node.Attributes.OrderBy(attribute => attribute.Key, StringComparer.Ordinal).Where(attribute => attribute.Value is not (TensorAttribute or OpaqueAttribute))
            .Select(attribute => $"{attribute.Key} {Shorter.Attribute(attribute.Value)}");
        var result = node.Outputs.FirstOrDefault(output => output.Name.Length > 0);
        return [.. ((string[])[
            Shorter.End(node.OpType, LetterLimit + 10),
            Shorter.End(node.Domain, LetterLimit),
            Shorter.End(string.Join(", ", constants.Concat(attributes)), LetterLimit),
            Shorter.End(result?.Type is { } type ? $"→ {Shorter.Type(type, symbols)}" : "", LetterLimit),
            Shorter.Name(node.Name, LetterLimit),
        ]).Where(line => line.Length > 0)];
    }
}
