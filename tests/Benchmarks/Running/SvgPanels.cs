using System.Globalization;
using System.Net;
using System.Text;

namespace OnnxEff.Benchmarks.Running;

/// <summary>What a colour stands for.</summary>
sealed record SvgSeries(string Name, string Colour);

/// <summary>Diagrams side by side as SVG with one legend below, in colours for light and dark pages.</summary>
/// <param name="Width">Of a diagram.</param>
/// <param name="Height">Of a diagram.</param>
/// <param name="Left">Where what is drawn begins.</param>
/// <param name="Legend">Height of the legend.</param>
/// <param name="Style">CSS of what only these diagrams hold.</param>
sealed record SvgPanels(int Width, int Height, int Left, int Legend, string Style)
{
    /// <summary>Draws them.</summary>
    public string Draw<T>(IReadOnlyList<T> panels, IReadOnlyList<SvgSeries> series, Action<StringBuilder, T> draw)
    {
        int width = Math.Max(2, panels.Count) * Width, height = Height + Legend;
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $$"""
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {{width}} {{height}}" width="{{width}}" height="{{height}}" font-family="sans-serif" font-size="12">
            <style>
              svg { background: #fff; color: #222; }
              @media (prefers-color-scheme: dark) { svg { background: #161616; color: #ddd; } }
              text { fill: currentColor; }
              .grid { stroke: currentColor; stroke-opacity: .15; }
              {{Style}}
            </style>

            """);
        for (int i = 0; i < panels.Count; i++)
        {
            svg.Append(CultureInfo.InvariantCulture, $"<g transform=\"translate({i * Width} 0)\">\n");
            draw(svg, panels[i]);
            svg.Append("</g>\n");
        }
        for (int i = 0; i < series.Count; i++)
        {
            double x = Left + i * (width - Left) / (double)series.Count;
            svg.Append(CultureInfo.InvariantCulture, $"<circle cx=\"{x:F0}\" cy=\"{Height + 8}\" r=\"5\" fill=\"{series[i].Colour}\"/><text x=\"{x + 10:F0}\" y=\"{Height + 12}\">{WebUtility.HtmlEncode(series[i].Name)}</text>\n");
        }
        return svg.Append("</svg>\n").ToString();
    }
}
