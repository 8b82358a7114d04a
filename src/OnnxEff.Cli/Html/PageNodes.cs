using OnnxEff.Ir;

namespace OnnxEff.Cli.Html;

/// <summary>The nodes of a picture as a list: for those who do not see it, for searching, and for what a box has no room for.</summary>
static class PageNodes
{
    const int Most = 120; // Characters of a name.

    /// <summary>The list, folded.</summary>
    public static void Write(HtmlText html, Picture picture, Remarks remarks, string id)
    {
        var nodes = picture.Boxes.Index().Where(box => box.Item.Node is not null).Select(box => (box.Index, Node: box.Item.Node!)).ToArray();
        html.Add($"<details class=list><summary>{nodes.Length} nodes as a list</summary><div class=scroll tabindex=0 role=region aria-label=\"Nodes\"><table><thead><tr><th scope=col>operator<th scope=col>node<th scope=col>reads<th scope=col>gives</thead><tbody>");
        foreach (var (index, node) in nodes)
        {
            html.Add($"<tr data-i={index}><th scope=row><a href=#{id}-{index}>{remarks.SignOf(node)} {Operator(node)}</a>");
            html.Add($"<td>{Shorter.Name(node.Name, Most)}{(remarks.Left.TryGetValue(node, out var sentence) ? $" – refused: {sentence}" : "")}<td>{Reads(node)}<td>{Gives(node)}");
        }
        html.Add($"</tbody></table></div></details>");
    }

    static string Operator(Node node) => Shorter.End(node.Domain.Length == 0 ? node.OpType : $"{node.Domain}.{node.OpType}", Most);

    static string Reads(Node node) => string.Join(", ", node.Inputs.OfType<Value>().Select(value => Picture.ConstantText(value) is { } constant
            ? value.Constant is { Count: > 1 } ? $"{Shorter.Name(value.Name, Most)} {constant}" : constant
            : Shorter.Name(value.Name, Most))
        .Concat(node.Attributes.OrderBy(attribute => attribute.Key, StringComparer.Ordinal).Select(attribute => $"{attribute.Key} = {Shorter.End(Shorter.Attribute(attribute.Value), Most)}")));

    static string Gives(Node node) => string.Join(", ", node.Outputs.Where(output => output.Name.Length > 0)
        .Select(output => $"{Shorter.Name(output.Name, Most)} {Shorter.End(Shorter.Type(output.Type), Most)}"));
}
