using OnnxEff.Cli.Diff;
using OnnxEff.Ir;

namespace OnnxEff.Cli.Html;

/// <summary>The sections of both models side by side, alike layers once.</summary>
static class PageSections
{
    const int MostNodes = 900; // Larger sections are no picture any more.
    const int SymbolsShown = 12;
    const int MostCharacters = 1_500_000; // What follows is listed and not drawn, so that a browser opens the page at once.

    /// <summary>All sections.</summary>
    public static void Write(HtmlText html, DiffPage page)
    {
        var groups = page.Diff.Groups;
        if (groups.Count == 0) return;
        html.Add($"<section aria-labelledby=graphs><h2 id=graphs>Layer by layer</h2>");
        WriteStrip(html, groups);
        html.Add($"<p class=legend><span class=gone>− only before</span> <span class=new>+ only after</span> <span class=kept>on both sides</span>{new Markup(page.Left.Count > 0 ? " <span class=left>! refused</span>" : "")}</p>");
        html.Add($"<p class=keys>In a drawing: arrow keys or dragging move it, <kbd>+</kbd> <kbd>−</kbd> zoom, <kbd>0</kbd> shows all of it, <kbd>n</kbd> <kbd>p</kbd> go from node to node.</p>");
        var symbols = new Symbols(page.Diff.Before.Model, page.Diff.After.Model);
        if (symbols.Names.Count > 0) html.Add($"<p class=keys>In shapes: {string.Join(", ", symbols.Names.Take(SymbolsShown).Select(name => $"{name.Value} = {Shorter.End(name.Key, 60)}"))}.</p>");
        var left = LeftNodes(page);
        var open = groups.Index().FirstOrDefault(group => group.Item.First.Any.Kind is SectionKind.Layer or SectionKind.Whole && !group.Item.IsSame).Index;
        for (var i = 0; i < groups.Count; i++) WriteGroup(html, page, groups[i], i, left, symbols, isOpen: i == open);
        html.Add($"</section>");
    }

    /// <summary>"Layers 0–4, 6".</summary>
    public static string Title(PairGroup group) => group.First.Any.Kind switch
    {
        SectionKind.Before => "Before the layers",
        SectionKind.Shared => "Shared by the layers",
        SectionKind.After => "Behind the layers",
        SectionKind.Whole => "The graph",
        _ => group.Pairs.Count == 1 ? $"Layer {group.First.Any.Index}" : $"Layers {Ranges([.. group.Pairs.Select(pair => pair.Any.Index)])}",
    };

    static string Ranges(IReadOnlyList<int> indices)
    {
        List<string> ranges = [];
        for (int start = 0, end = 0; start < indices.Count; start = end + 1)
        {
            for (end = start; end + 1 < indices.Count && indices[end + 1] == indices[end] + 1;) end++;
            ranges.Add(end == start ? $"{indices[start]}" : $"{indices[start]}–{indices[end]}");
        }
        return string.Join(", ", ranges);
    }

    // One square for each layer, in order; alike layers have one colour and lead to one drawing.
    static void WriteStrip(HtmlText html, IReadOnlyList<PairGroup> groups)
    {
        const int colours = 6;
        PairGroup[] kinds = [.. groups.Where(group => group.First.Any.Kind == SectionKind.Layer)];
        if (kinds.Sum(group => group.Pairs.Count) < 2) return;
        html.Add($"<ol class=strip aria-label=Layers>");
        foreach (var (pair, kind) in kinds.SelectMany((group, kind) => group.Pairs.Select(pair => (pair, kind))).OrderBy(layer => layer.pair.Any.Index))
            html.Add($"<li><a class=k{kind % colours} href=#s{groups.Index().First(group => group.Item == kinds[kind]).Index} title=\"layer {pair.Any.Index}: {SizesOf(pair)}\">{pair.Any.Index}</a>");
        html.Add($"</ol>");
    }

    static string SizesOf(SectionPair pair) => pair switch
    {
        { Before: null } => $"only after, {pair.After!.Size} nodes",
        { After: null } => $"only before, {pair.Before.Size} nodes",
        _ => $"{pair.Before.Size} → {pair.After.Size} nodes",
    };

    static Dictionary<Node, string> LeftNodes(DiffPage page)
    {
        var sentences = page.Left.Where(layer => layer.NodeName.Length > 0).GroupBy(layer => layer.NodeName).ToDictionary(group => group.Key, group => group.First().Sentence);
        return page.Diff.Before.Model.Graph.Nodes.Where(node => sentences.ContainsKey(node.Name)).ToDictionary(node => node, node => sentences[node.Name]);
    }

    static void WriteGroup(HtmlText html, DiffPage page, PairGroup group, int index, Dictionary<Node, string> left, Symbols symbols, bool isOpen)
    {
        var pair = group.First;
        html.Add($"<details class=pair id=s{index}{new Markup(isOpen ? " open" : "")}><summary><h3>{Title(group)}</h3> <span class=count>{SizesOf(pair)}{(group.Pairs.Count > 1 ? " each" : "")}{(group.IsSame ? ", nothing differs" : "")}</span></summary>");
        if (group.Pairs.Count > 1) html.Add($"<p>These {group.Pairs.Count} layers are alike; layer {pair.Any.Index} is shown.</p>");
        var missing = group.Pairs.Select(other => other.Before).OfType<Section>().SelectMany(section => section.Nodes).Where(left.ContainsKey).Select(node => left[node]).Distinct().ToArray();
        foreach (var sentence in missing) html.Add($"<p class=left>Refused: {sentence}</p>");
        var kept = NodeFates.Kept(pair, page.Diff.Forms);
        html.Add($"<div class=sides>");
        WriteSide(html, symbols, pair.Before, new(kept, left, IsBefore: true), $"g{index}a", "Before");
        WriteSide(html, symbols, pair.After, new(kept, new Dictionary<Node, string>(), IsBefore: false), $"g{index}b", "After");
        html.Add($"</div></details>");
    }

    static void WriteSide(HtmlText html, Symbols symbols, Section? section, Remarks remarks, string id, string title)
    {
        html.Add($"<div class=side><div class=head><h4>{title}</h4>");
        if (section is null)
        {
            html.Add($"</div><p class=nothing>Nothing of it is left.</p></div>");
            return;
        }
        if (section.Size > MostNodes || html.Length > MostCharacters)
        {
            html.Add($"</div><p class=nothing>{section.Size} nodes, not drawn to keep this page small.</p>");
            WriteCounts(html, section);
            html.Add($"</div>");
            return;
        }
        var picture = new Picture(section, symbols);
        html.Add($"<span class=tools><button type=button data-zoom=- aria-label=\"Zoom out\" aria-controls={id}>−</button><button type=button data-zoom=+ aria-label=\"Zoom in\" aria-controls={id}>+</button><button type=button data-zoom=0 aria-controls={id}>Fit</button></span></div>");
        html.Add($"<div class=stage><div class=view tabindex=0 role=group aria-label=\"Drawing, {title.ToLowerInvariant()}: {section.Size} nodes\" aria-describedby={id}-info>");
        PictureSvg.Write(html, picture, remarks, id, $"{section.Size} nodes; the list below says the same");
        html.Add($"</div>");
        PictureSvg.WriteMap(html, picture, remarks);
        html.Add($"</div><p class=info id={id}-info aria-live=polite>Choose a node to see what it reads and gives.</p>");
        PageNodes.Write(html, picture, remarks, id);
        html.Add($"</div>");
    }

    static void WriteCounts(HtmlText html, Section section)
    {
        html.Add($"<ul class=counts>");
        foreach (var group in section.Nodes.Where(node => !node.Is("Constant")).GroupBy(node => node.OpType).OrderByDescending(group => group.Count()).ThenBy(group => group.Key, StringComparer.Ordinal))
            html.Add($"<li>{group.Count()} × {Shorter.End(group.Key, 60)}");
        html.Add($"</ul>");
    }
}
