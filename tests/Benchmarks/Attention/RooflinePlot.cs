using System.Globalization;
using System.Net;
using System.Text;
using OnnxEff.Benchmarks.Running;

namespace OnnxEff.Benchmarks.Attention;

/// <summary>A measured point.</summary>
/// <param name="Series">What was measured; gives the colour.</param>
/// <param name="Name">The case.</param>
/// <param name="Intensity">Floating-point operations per byte.</param>
/// <param name="Flops">Floating-point operations per second.</param>
sealed record RooflinePoint(string Series, string Name, double Intensity, double Flops);

/// <summary>One diagram.</summary>
/// <param name="Title">Its title.</param>
/// <param name="PeakFlops">The flat roof.</param>
/// <param name="ReadSpeed">The slanted roof, bytes per second.</param>
/// <param name="Points">What was measured.</param>
sealed record RooflinePanel(string Title, double PeakFlops, double ReadSpeed, IReadOnlyList<RooflinePoint> Points);

/// <summary>Rooflines as SVG: both axes logarithmic, colours for light and dark pages.</summary>
static class RooflinePlot
{
    const int Width = 460, Height = 340, Left = 64, Top = 40, Bottom = 48, Right = 16, Legend = 28;
    const double LowX = 0, HighX = 4, LowY = 0; // Powers of ten: flop/byte, GFLOP/s.

    static readonly string[] Colours = ["#d9480f", "#1c7ed6", "#2f9e44", "#9c36b5", "#e8a400", "#0c8599"]; // Middle tones show on both grounds.

    static readonly SvgPanels Page = new(Width, Height, Left, Legend, ".roof { stroke: currentColor; stroke-width: 2; fill: none; }");

    public static string Draw(IReadOnlyList<RooflinePanel> panels)
    {
        string[] series = [.. panels.SelectMany(p => p.Points).Select(p => p.Series).Distinct()];
        double highY = Math.Ceiling(Math.Log10(panels.Max(p => p.PeakFlops) / 1e9));
        return Page.Draw(panels, [.. series.Select((name, i) => new SvgSeries(name, Colours[i % Colours.Length]))], (svg, panel) => Panel(svg, panel, series, highY));
    }

    static void Panel(StringBuilder svg, RooflinePanel panel, string[] series, double highY)
    {
        for (double power = LowX; power <= HighX; power++)
            svg.Append(CultureInfo.InvariantCulture, $"<line class=\"grid\" x1=\"{X(power):F1}\" x2=\"{X(power):F1}\" y1=\"{Top}\" y2=\"{Height - Bottom}\"/><text x=\"{X(power):F1}\" y=\"{Height - Bottom + 16}\" text-anchor=\"middle\">{Math.Pow(10, power)}</text>\n");
        for (double power = LowY; power <= highY; power++)
            svg.Append(CultureInfo.InvariantCulture, $"<line class=\"grid\" x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{Y(power):F1}\" y2=\"{Y(power):F1}\"/><text x=\"{Left - 6}\" y=\"{Y(power) + 4:F1}\" text-anchor=\"end\">{Math.Pow(10, power)}</text>\n");
        double peak = Math.Log10(panel.PeakFlops / 1e9), read = Math.Log10(panel.ReadSpeed / 1e9), ridge = Math.Clamp(peak - read, LowX, HighX);
        svg.Append(CultureInfo.InvariantCulture, $"""
            <text x="{Width / 2}" y="20" text-anchor="middle" font-weight="bold">{WebUtility.HtmlEncode(panel.Title)}: {panel.PeakFlops / 1e9:F0} GFLOP/s, {panel.ReadSpeed / 1e9:F1} GB/s</text>
            <text x="{Width / 2}" y="{Height - 8}" text-anchor="middle">floating-point operations per byte</text>
            <text transform="translate(14 {Height / 2}) rotate(-90)" text-anchor="middle">GFLOP/s</text>
            <polyline class="roof" points="{X(LowX):F1},{Y(read + LowX):F1} {X(ridge):F1},{Y(peak):F1} {X(HighX):F1},{Y(peak):F1}"/>

            """);
        // The first series, ours, is drawn last: on top.
        foreach (RooflinePoint p in panel.Points.OrderByDescending(p => Array.IndexOf(series, p.Series)))
        {
            double x = Math.Clamp(Math.Log10(p.Intensity), LowX, HighX), y = Math.Clamp(Math.Log10(p.Flops / 1e9), LowY, highY);
            int index = Array.IndexOf(series, p.Series);
            svg.Append(CultureInfo.InvariantCulture, $"<circle cx=\"{X(x):F1}\" cy=\"{Y(y):F1}\" r=\"{(index == 0 ? 6 : 4)}\" fill=\"{Colours[index % Colours.Length]}\" fill-opacity=\".85\"><title>{WebUtility.HtmlEncode($"{p.Series}, {p.Name}")}: {p.Flops / 1e9:F1} GFLOP/s</title></circle>\n");
        }

        double X(double power) => Left + (power - LowX) / (HighX - LowX) * (Width - Left - Right);
        double Y(double power) => Height - Bottom - (power - LowY) / (highY - LowY) * (Height - Top - Bottom);
    }
}
