using OnnxEff.Cli.Diff;
using OnnxEff.Cli.Shell;

namespace OnnxEff.Cli.Html;

/// <summary>Counts and interfaces: operators, weights, inputs and outputs, operator sets.</summary>
static class PageTables
{
    const int Most = 100; // Characters of a name.

    /// <summary>Inputs, outputs and operator sets.</summary>
    public static void WriteInterface(HtmlText html, ModelDiff diff)
    {
        WritePorts(html, "Inputs", "inputs", diff.Before.Inputs, diff.After.Inputs);
        WritePorts(html, "Outputs", "outputs", diff.Before.Outputs, diff.After.Outputs);
        WriteOpsets(html, diff);
    }

    /// <summary>How often each operator occurs, those that changed most first.</summary>
    public static void WriteOperators(HtmlText html, ModelDiff diff)
    {
        var (before, after) = (diff.Before.Size.Operators, diff.After.Size.Operators);
        string[] names = [.. before.Keys.Union(after.Keys).OrderByDescending(name => Math.Abs(Count(after, name) - Count(before, name)))
            .ThenByDescending(name => Count(before, name)).ThenBy(name => name, StringComparer.Ordinal)];
        var most = names.Select(name => Math.Max(Count(before, name), Count(after, name))).DefaultIfEmpty(1).Max();
        html.Add($"<section aria-labelledby=operators><h2 id=operators>Operators</h2><div class=scroll tabindex=0 role=region aria-labelledby=operators><table class=bars><thead><tr><th scope=col>operator<th scope=col class=number>before<th scope=col class=number>after<th scope=col class=number>change<td></thead><tbody>");
        foreach (var name in names)
        {
            var (was, now) = (Count(before, name), Count(after, name));
            html.Add($"<tr><th scope=row>{Shorter.Name(name, Most)}<td class=number>{was}<td class=number>{now}<td class=\"number {PageSummary.Direction(was, now)}\">{(was == now ? "same" : now > was ? $"+{now - was}" : $"−{was - now}")}");
            html.Add($"<td class=bar aria-hidden=true><i class=was style=width:{100 * was / most}%></i><i class=now style=width:{100 * now / most}%></i>");
        }
        html.Add($"</tbody></table></div></section>");
    }

    static int Count(IReadOnlyDictionary<string, int> operators, string name) => operators.TryGetValue(name, out var count) ? count : 0;

    /// <summary>What became of the weights.</summary>
    public static void WriteWeights(HtmlText html, WeightChange weights)
    {
        html.Add($"<section aria-labelledby=weights><h2 id=weights>Weights and constants</h2><ul><li>{weights.Kept} kept byte for byte, {Quantity.Bytes(weights.KeptBytes)}");
        if (weights.Gone > 0) html.Add($"<li>{weights.Gone} only before, {Quantity.Bytes(weights.GoneBytes)}");
        if (weights.New > 0) html.Add($"<li>{weights.New} only after, {Quantity.Bytes(weights.NewBytes)}");
        html.Add($"</ul></section>");
    }

    static void WritePorts(HtmlText html, string title, string id, IReadOnlyList<Port> before, IReadOnlyList<Port> after)
    {
        var isSame = before.SequenceEqual(after);
        html.Add($"<section aria-labelledby={id}><h2 id={id}>{title}</h2><details{new Markup(isSame ? "" : " open")}><summary>{(isSame ? $"{before.Count}, the same in both files" : $"{before.Count} before, {after.Count} after: they differ")}</summary>");
        html.Add($"<div class=scroll tabindex=0 role=region aria-labelledby={id}><table><thead><tr><th scope=col>name{new Markup(isSame ? "<th scope=col>type" : "<th scope=col>before<th scope=col>after")}</thead><tbody>");
        foreach (var name in before.Concat(after).Select(port => port.Name).Distinct())
        {
            var (was, now) = (TypeOf(before, name), TypeOf(after, name));
            if (isSame) html.Add($"<tr><th scope=row>{Shorter.Name(name, Most)}<td><code>{was}</code>");
            else html.Add($"<tr class={(was == now ? "equal" : "differs")}><th scope=row>{Shorter.Name(name, Most)}<td><code>{was}</code><td>{(was == now ? "the same" : now)}");
        }
        html.Add($"</tbody></table></div></details></section>");
    }

    static string TypeOf(IReadOnlyList<Port> ports, string name) => ports.FirstOrDefault(port => port.Name == name) is { } port
        ? port.Type.Length > 0 ? Shorter.End(port.Type, Most) : "no tensor" : "absent";

    static void WriteOpsets(HtmlText html, ModelDiff diff)
    {
        var (before, after) = (diff.Before.Model.Opsets, diff.After.Model.Opsets);
        html.Add($"<section aria-labelledby=opsets><h2 id=opsets>Operator sets</h2><table><thead><tr><th scope=col>domain<th scope=col class=number>before<th scope=col class=number>after</thead><tbody>");
        foreach (var domain in before.Keys.Union(after.Keys).Order(StringComparer.Ordinal))
            html.Add($"<tr><th scope=row>{(domain.Length > 0 ? Shorter.Name(domain, Most) : "onnx")}<td class=number>{(before.TryGetValue(domain, out var was) ? $"{was}" : "–")}<td class=number>{(after.TryGetValue(domain, out var now) ? $"{now}" : "–")}");
        html.Add($"</tbody></table></section>");
    }
}
