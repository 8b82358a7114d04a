using System.Globalization;
using System.Text;
using OnnxEff.Ir;

namespace OnnxEff.Cli.Html;

/// <summary>What is said of a node beside what it is.</summary>
/// <param name="Kept">The nodes that are on both sides.</param>
/// <param name="Left">Nodes that were found and left, with the reason.</param>
/// <param name="IsBefore">True for the first model.</param>
sealed record Remarks(IReadOnlySet<Node> Kept, IReadOnlyDictionary<Node, string> Left, bool IsBefore)
{
    /// <summary>The class of a node in the page.</summary>
    public string ClassOf(Node node) => Left.ContainsKey(node) ? "left" : Kept.Contains(node) ? "kept" : IsBefore ? "gone" : "new";

    /// <summary>The sign of that class, for those who do not see the colour.</summary>
    public string SignOf(Node node) => ClassOf(node) switch { "left" => "!", "gone" => "−", "new" => "+", _ => "" };
}

/// <summary>Writes a picture as SVG.</summary>
static class PictureSvg
{
    const int Line = 14;

    /// <summary>The drawing.</summary>
    public static void Write(HtmlText html, Picture picture, Remarks remarks, string id, string label)
    {
        var layout = picture.Layout;
        html.Add($"<svg class=graph id={id} width={layout.Width} height={layout.Height} viewBox=\"0 0 {layout.Width} {layout.Height}\" role=img aria-label=\"{label}\">");
        for (var i = 0; i < picture.Wires.Count; i++)
            html.Add($"<path data-w=\"{string.Join(' ', picture.Wires[i].To.Prepend(picture.Wires[i].From))}\" d=\"{layout.Paths[i]}\"/>");
        for (var i = 0; i < picture.Boxes.Count; i++) WriteBox(html, picture, remarks, id, i);
        html.Add($"</svg>");
    }

    /// <summary>The same as an overview: boxes without text.</summary>
    public static void WriteMap(HtmlText html, Picture picture, Remarks remarks)
    {
        var layout = picture.Layout;
        var shapes = new SortedDictionary<string, StringBuilder>(StringComparer.Ordinal);
        for (var i = 0; i < picture.Boxes.Count; i++)
        {
            var kind = picture.Boxes[i].Node is { } node ? remarks.ClassOf(node) : "port";
            if (!shapes.TryGetValue(kind, out var path)) shapes.Add(kind, path = new());
            var box = picture.Boxes[i].ToBox(floats: false);
            path.Append(CultureInfo.InvariantCulture, $"M{layout.Corners[i].X} {layout.Corners[i].Y}h{box.Width}v{box.Height}h-{box.Width}z");
        }
        html.Add($"<svg class=map viewBox=\"0 0 {layout.Width} {layout.Height}\" aria-hidden=true>");
        foreach (var (kind, path) in shapes) html.Add($"<path class={kind} d=\"{path.ToString()}\"/>");
        html.Add($"<rect class=seen /></svg>");
    }

    static void WriteBox(HtmlText html, Picture picture, Remarks remarks, string id, int index)
    {
        var (x, y) = picture.Layout.Corners[index];
        var content = picture.Boxes[index];
        var box = content.ToBox(floats: false);
        var kind = content.Node is { } node ? IsBookkeeping(node) ? $"{remarks.ClassOf(node)} aside" : remarks.ClassOf(node) : content.Value is { IsInput: true } or { IsOutput: true } ? "port outer" : "port";
        html.Add($"<g id={id}-{index} class=\"{kind}\" data-i={index}><rect x={x} y={y} width={box.Width} height={box.Height} rx={(content.Node is null ? box.Height / 2 : 5)} />");
        for (var line = 0; line < content.Lines.Count; line++)
            html.Add($"<text x={x + box.Width / 2} y={y + Line * (line + 1) + 1}{new Markup(line == 0 ? " class=op" : line == content.Lines.Count - 1 ? " class=name" : "")}>{content.Lines[line]}</text>");
        if (content.Node is { } marked && remarks.SignOf(marked) is { Length: > 0 } sign)
            html.Add($"<text class=sign x={x + box.Width - 8} y={y + 13}>{sign}</text>");
        html.Add($"</g>");
    }

    // Sizes and positions rather than activations.
    static bool IsBookkeeping(Node node) => node.Outputs.All(output => output.Type is { } type && (type.Element.IsInteger() || type.Element == ElementType.Bool));
}
