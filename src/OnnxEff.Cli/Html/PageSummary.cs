using OnnxEff.Cli.Diff;
using OnnxEff.Cli.Shell;

namespace OnnxEff.Cli.Html;

/// <summary>The head of the page: what happened, in a few numbers.</summary>
static class PageSummary
{
    /// <summary>Title, and the sentence that says it all.</summary>
    public static void Write(HtmlText html, DiffPage page)
    {
        var (before, after) = (page.Diff.Before, page.Diff.After);
        html.Add($"<header><div class=top><h1><span class=file>{before.Title}</span> <span aria-label=to>→</span> <span class=file>{after.Title}</span></h1>");
        html.Add($"<button id=theme type=button hidden>Dark</button></div>");
        if (page.Diff.IsSame) html.Add($"<p class=lead>{page.Diff.Verdict}</p>");
        else
        {
            html.Add($"<p class=lead><b>{before.Size.Nodes}</b> → <b class=now>{after.Size.Nodes}</b> nodes <small>{Change(before.Size.Nodes, after.Size.Nodes)}</small></p>");
            html.Add($"<ul class=facts>");
            foreach (var (kind, text) in Facts(page)) html.Add($"<li class={kind}>{text}</li>");
            html.Add($"</ul>");
        }
        html.Add($"</header>");
    }

    /// <summary>Sizes before and after.</summary>
    public static void WriteSizes(HtmlText html, ModelDiff diff)
    {
        var (before, after) = (diff.Before, diff.After);
        html.Add($"<section class=sizes aria-labelledby=sizes><h2 id=sizes>Sizes</h2><table><thead><tr><td><th scope=col>before<th scope=col>after<th scope=col>change</thead><tbody>");
        Row(html, "nodes", before.Size.Nodes, after.Size.Nodes, count => $"{count}");
        Row(html, "kinds of operators", before.Size.Operators.Count, after.Size.Operators.Count, count => $"{count}");
        Row(html, "weights and constants", before.Size.WeightBytes, after.Size.WeightBytes, Quantity.Bytes);
        if (before.FileBytes is { } fileBefore && after.FileBytes is { } fileAfter) Row(html, "file with its data", fileBefore, fileAfter, Quantity.Bytes);
        else if (before.FileBytes is { } only) html.Add($"<tr><th scope=row>file with its data<td>{Quantity.Bytes(only)}<td>not written<td>");
        if ((before.Size.CacheBytesPerToken ?? after.Size.CacheBytesPerToken) is not null)
            Row(html, "KV cache per token", before.Size.CacheBytesPerToken ?? 0, after.Size.CacheBytesPerToken ?? 0, Quantity.Bytes);
        html.Add($"</tbody></table></section>");
    }

    static IEnumerable<(string Kind, string Text)> Facts(DiffPage page)
    {
        if (page.Report is { } report)
        {
            var attentions = report.Layers.Where(layer => layer.Meaning == "attention").ToArray();
            var fused = attentions.Count(layer => !layer.IsRefused);
            if (attentions.Length > 0) yield return (fused == attentions.Length ? "good" : "open", $"{fused} of {attentions.Length} attentions fused");
            yield return page.Left.Count == 0 ? ("good", "nothing refused") : ("open", page.Left.Count == 1 ? "1 refusal" : $"{page.Left.Count} refusals");
        }
        else if (page.Diff.After.Layers.Any())
        {
            var (before, after) = page.Diff.FusedAttentions;
            yield return ("plain", $"layers whose attention is one operator: {before} of {page.Diff.Before.Layers.Count()} → {after} of {page.Diff.After.Layers.Count()}");
        }
        var layers = page.Diff.Groups.Where(group => group.First.Any.Kind == SectionKind.Layer).ToArray();
        if (layers.Length > 0)
            yield return ("plain", $"{layers.Sum(group => group.Pairs.Count)} layers, {(layers.Length == 1 ? "all alike" : $"{layers.Length} kinds")}");
        if (page.Verification is { } verification) yield return (verification.Passed ? "good" : "open", verification.Passed ? "both compute the same" : "they compute different results");
        if (!page.Diff.HasSamePorts) yield return ("open", "inputs or outputs differ");
    }

    static void Row(HtmlText html, string name, long before, long after, Func<long, string> show) =>
        html.Add($"<tr><th scope=row>{name}<td>{show(before)}<td>{show(after)}<td class={Direction(before, after)}>{Change(before, after, show)}");

    /// <summary>The class of a change.</summary>
    public static string Direction(long before, long after) => after < before ? "less" : after > before ? "more" : "equal";

    static string Change(long before, long after) => Change(before, after, count => $"{count}");

    /// <summary>A change as people read it.</summary>
    public static string Change(long before, long after, Func<long, string> show) => before == after ? "same" : Quantity.Delta(before, after, show).Replace('-', '−');
}
