using OnnxEff.GraphPasses;

namespace OnnxEff.Cli.Html;

/// <summary>What the optimizer said: what became of each part, and what it refused.</summary>
static class PageReport
{
    const int NodesShown = 200;

    /// <summary>What was rewritten, alike parts together.</summary>
    public static void WriteDone(HtmlText html, OptimizeReport report)
    {
        var done = report.AlikeParts.Where(part => !part.IsRefused).ToArray();
        html.Add($"<section aria-labelledby=parts><h2 id=parts>What became of each part</h2>");
        if (done.Length == 0) html.Add($"<p>No part was rewritten.</p></section>");
        else
        {
            html.Add($"<div class=scroll tabindex=0 role=region aria-labelledby=parts><table><thead><tr><th scope=col>part<th scope=col class=number>count<th scope=col>became<th scope=col>how it was established</thead><tbody>");
            foreach (var part in done)
                html.Add($"<tr><th scope=row>{part.Meaning}<td class=number>{part.Count}<td><code>{part.Became}</code><td>{part.Sentence}");
            html.Add($"</tbody></table></div></section>");
        }
    }

    /// <summary>What was found and left, with the reason.</summary>
    public static void WriteLeft(HtmlText html, IReadOnlyList<LayerReport> left)
    {
        if (left.Count == 0) return;
        html.Add($"<section aria-labelledby=refusals><h2 id=refusals>Refusals</h2>");
        foreach (var group in left.GroupBy(layer => (layer.Meaning, layer.Sentence))) WriteRefusal(html, group.Key.Meaning, group.Key.Sentence, [.. group]);
        html.Add($"</section>");
    }

    static void WriteRefusal(HtmlText html, string meaning, string sentence, LayerReport[] layers)
    {
        html.Add($"<details class=refusal><summary><b>{layers.Length} × {meaning}</b> left as it is: {sentence}</summary><ul>");
        foreach (var layer in layers.Take(NodesShown))
            html.Add($"<li>{(layer.Layer >= 0 ? $"layer {layer.Layer}: " : "")}<code>{Shorter.End(layer.NodeName.Length > 0 ? layer.NodeName : "a node without name", 200)}</code>");
        if (layers.Length > NodesShown) html.Add($"<li>and {layers.Length - NodesShown} more");
        html.Add($"</ul></details>");
    }
}
