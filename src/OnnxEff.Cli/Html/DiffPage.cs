using System.Security.Cryptography;
using System.Text;
using OnnxEff.Cli.Diff;
using OnnxEff.GraphPasses;
using OnnxEff.Runtime;

namespace OnnxEff.Cli.Html;

/// <summary>
/// What differs between two models, as one HTML file that needs nothing else: styles, script and drawings are inside, and its content
/// policy lets a browser run that script only. The same models give the same bytes.
/// </summary>
/// <param name="Diff">The two models.</param>
/// <param name="Report">What made the second from the first; null if that is not known.</param>
/// <param name="Verification">Whether both compute the same; null if they were not run.</param>
sealed record DiffPage(ModelDiff Diff, OptimizeReport? Report = null, VerifyReport? Verification = null)
{
    /// <summary>The page.</summary>
    public string Text
    {
        get
        {
            var script = Resource("page.js");
            var allowed = Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(script)));
            var html = new HtmlText();
            html.Add($"<!doctype html>");
            html.Add($"<html lang=en><head><meta charset=utf-8><meta name=viewport content=\"width=device-width, initial-scale=1\">");
            html.Add($"<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{new Markup(allowed)}'\">");
            html.Add($"<title>{Shorter.Name(Diff.Before.Title, 60)} → {Shorter.Name(Diff.After.Title, 60)}</title>");
            html.Add($"<style>{new Markup(Resource("page.css"))}</style></head><body>");
            PageSummary.Write(html, this);
            html.Add($"<main><div class=overview>");
            PageSummary.WriteSizes(html, Diff);
            if (Report is not null) PageReport.WriteDone(html, Report);
            else PageTables.WriteWeights(html, Diff.Weights);
            html.Add($"</div>");
            if (Report is not null) PageReport.WriteLeft(html, Left);
            PageSections.Write(html, this);
            PageTables.WriteOperators(html, Diff);
            if (Report is not null) PageTables.WriteWeights(html, Diff.Weights);
            PageTables.WriteInterface(html, Diff);
            html.Add($"</main><footer>Written by <code>onnxeff</code>. Nothing is loaded from elsewhere.</footer>");
            html.Add($"<script>{new Markup(script)}</script></body></html>");
            return html.ToString();
        }
    }

    /// <summary>Parts that were found and left, as the report has them.</summary>
    public IReadOnlyList<LayerReport> Left => [.. (Report?.Layers ?? []).Where(layer => layer.IsRefused)];

    static string Resource(string name)
    {
        using var reader = new StreamReader(typeof(DiffPage).Assembly.GetManifestResourceStream(name)!, Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
